import { Command, CommanderError } from 'commander'
import { FcmError } from '../common/errors.ts'
import { backfill } from './commands/backfill.ts'
import { deadLetters } from './commands/dead-letters.ts'
import { doctor } from './commands/doctor.ts'
import { exportRows } from './commands/export.ts'
import { gaps } from './commands/gaps.ts'
import { lag } from './commands/lag.ts'
import { migrate } from './commands/migrate.ts'
import { run } from './commands/run.ts'
import { runs } from './commands/runs.ts'
import { start } from './commands/start.ts'
import { VERSION } from './version.ts'

const program = new Command('fcm')
  .description('Watches Farcaster conversations and warns before they tip.')
  .version(VERSION)
  .showHelpAfterError('Run it with --help to see what it takes.')
  .exitOverride()
for (const add of [start, run, backfill, runs, exportRows, lag, gaps, deadLetters, migrate, doctor])
  add(program)

try {
  await program.parseAsync()
} catch (error) {
  process.exitCode = explain(error)
}

/** Says what went wrong in words; returns the exit code. */
function explain(error: unknown): number {
  // Commander has said it already; its own help and version end with 0.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  if (error instanceof FcmError) {
    process.stderr.write(`fcm: ${error.message}\n`)
    return error.exit
  }
  const detail = process.env.FCM_DEBUG ? (error as Error).stack : `${error}. FCM_DEBUG=1 shows where.`
  process.stderr.write(`fcm: this is a fault of the program: ${detail}\n`)
  return 70
}
