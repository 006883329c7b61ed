import { Command, CommanderError, type OutputConfiguration } from 'commander'
import { VERSION } from '../app/version.ts'
import { FcmError } from '../common/errors.ts'
import { oneLine } from '../common/text.ts'

/** Loaded one by one: a hub or an MCP server, which others start again when it dies, needs no database. */
const commands: Record<string, () => Promise<(program: Command) => void>> = {
  start: async () => (await import('./commands/start.ts')).start,
  run: async () => (await import('./commands/run.ts')).run,
  backfill: async () => (await import('./commands/backfill.ts')).backfill,
  runs: async () => (await import('./commands/runs.ts')).runs,
  export: async () => (await import('./commands/export.ts')).exportRows,
  lag: async () => (await import('./commands/lag.ts')).lag,
  requests: async () => (await import('./commands/requests.ts')).requests,
  gaps: async () => (await import('./commands/gaps.ts')).gaps,
  'dead-letters': async () => (await import('./commands/dead-letters.ts')).deadLetters,
  hub: async () => (await import('./commands/hub.ts')).hub,
  'mcp-server': async () => (await import('./commands/mcp-server.ts')).mcpServer,
  load: async () => (await import('./commands/load.ts')).load,
  train: async () => (await import('./commands/train.ts')).trainNetwork,
  evaluate: async () => (await import('./commands/evaluate.ts')).evaluateScore,
  migrate: async () => (await import('./commands/migrate.ts')).migrate,
  doctor: async () => (await import('./commands/doctor.ts')).doctor,
}

/** The program as far as the command `name` needs it: `help` needs them all. */
export async function createProgram(name: string, output: OutputConfiguration = {}): Promise<Command> {
  const program = new Command('fcm')
    .description('Watches Farcaster conversations and warns before they tip.')
    .version(VERSION)
    .showHelpAfterError('Run it with --help to see what it takes.')
    .configureOutput(output)
    .exitOverride()
  if (Object.hasOwn(commands, name)) (await commands[name]!())(program)
  else if (['help', '--help', '-h'].includes(name))
    for (const load of Object.values(commands)) (await load())(program)
  // That a name is none of theirs can be said without loading any.
  else for (const known of Object.keys(commands)) program.command(known)
  return program
}

/** What is said of what went wrong, in words, and the exit code. */
export function explained(error: unknown): { said: string; exit: number } {
  // Commander has said it already; its own help and version end with 0.
  if (error instanceof CommanderError) return { said: '', exit: error.exitCode === 0 ? 0 : 2 }
  if (error instanceof FcmError) return { said: `fcm: ${error.message}\n`, exit: error.exit }
  const detail = process.env.FCM_DEBUG
    ? (error as Error).stack
    : `${oneLine(String(error))}. FCM_DEBUG=1 shows where.`
  return { said: `fcm: this is a fault of the program: ${detail}\n`, exit: 70 }
}
