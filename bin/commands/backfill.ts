import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import type { Command } from 'commander'
import { connect } from '../../app/client.ts'
import { readConfig } from '../../app/config.ts'
import { stopSignal } from '../../app/stopping.ts'
import { FcmError, toldError } from '../../common/errors.ts'
import { iso } from '../../common/time.ts'
import { checkRunName } from '../../pipeline/topology.ts'
import { isMuchLost, show, summary, type Told } from '../backfill-told.ts'
import { time } from '../options.ts'
import { showProgress } from '../progress.ts'
import { withSettings } from '../settings.ts'

export function backfill(program: Command): void {
  withSettings(program.command('backfill <file...>'), [
    'dataDir',
    'partitions',
    'batchSize',
    'preset',
    'scorer',
  ])
    .description('Process archives of hub messages (NDJSON, also with gzip) into a run of their own')
    .requiredOption('--run <name>', 'name of the run; the same again goes on where it was stopped')
    .option('--from <time>', 'only from here on, in UTC')
    .option('--to <time>', 'only up to here, in UTC')
    .option('--believe-clocks', 'also of messages that lie far from all others, or ahead of this machine')
    .addHelpText(
      'after',
      '\nExample:\n  npx fcm backfill casts.hub.ndjson.gz --run history\n\nIt ends with 1 when more than one line in 100 was unreadable.',
    )
    .action(async (files: string[], flags) => {
      const run = checkRunName(flags.run)
      const body = {
        files: files.map((file) => resolve(file)),
        run,
        ...(flags.from ? { from: iso(time('--from', flags.from)) } : {}),
        ...(flags.to ? { to: iso(time('--to', flags.to)) } : {}),
        ...(flags.believeClocks ? { believeClocks: true } : {}),
      }
      const signal = stopSignal()
      const progress = showProgress(`Backfill into ${run}`)
      const client = await connect(readConfig(flags), { create: true })
      try {
        const input = await client.stream({ method: 'POST', path: '/admin/backfills', body, signal })
        let end: Told | undefined
        for await (const line of createInterface({ input })) {
          const told = JSON.parse(line) as Told
          if (told.type === 'progress') show(progress, told)
          else end = told
        }
        signal.throwIfAborted()
        if (end?.type === 'error') throw toldError(end.code, end.detail, 'FAULT')
        if (end?.type !== 'done' || !end.finished)
          throw new FcmError('BACKFILL_CUT', { run, why: 'the process that did it ended' })
        progress.done(summary(end, run))
        if (isMuchLost(end)) process.exitCode = NOT_WHOLE
      } catch (error) {
        progress.end()
        if (signal.aborted) {
          process.stderr.write(`Backfill into ${run}: stopped; the same command goes on from there.\n`)
          process.exitCode = STOPPED
        } else if (error instanceof FcmError) throw error
        else throw new FcmError('BACKFILL_CUT', { run, why: (error as Error).message }, error)
      } finally {
        await client.close()
      }
    })
}

const NOT_WHOLE = 1
/** As a shell says it of what SIGINT has ended. */
const STOPPED = 130
