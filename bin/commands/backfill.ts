import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import type { Command } from 'commander'
import { FcmError } from '../../common/errors.ts'
import { iso } from '../../common/time.ts'
import { checkRunName } from '../../pipeline/topology.ts'
import { connect } from '../client.ts'
import { readConfig, withSettings } from '../config.ts'
import { time } from '../options.ts'
import { showProgress } from '../progress.ts'
import { stopSignal } from '../stopping.ts'

type Told =
  | {
      type: 'progress'
      phase: 'reading'
      messages: number
      bytesRead: number
      totalBytes: number
      eventTime: string | null
    }
  | { type: 'progress'; phase: 'processing'; records: number }
  | { type: 'done'; finished: boolean; messages: number; unreadable: number; eventTime: string | null }
  | { type: 'error'; code: string; detail: string }

export function backfill(program: Command): void {
  withSettings(program.command('backfill <file...>'), ['dataDir', 'partitions', 'batchSize', 'preset'])
    .description('Process archives of hub messages (NDJSON, also with gzip) into a run of their own')
    .requiredOption('--run <name>', 'name of the run; the same again goes on where it was stopped')
    .option('--from <time>', 'only from here on, in UTC')
    .option('--to <time>', 'only up to here, in UTC')
    .addHelpText('after', '\nExample:\n  npx fcm backfill casts.hub.ndjson.gz --run history')
    .action(async (files: string[], flags) => {
      const run = checkRunName(flags.run)
      const body = {
        files: files.map((file) => resolve(file)),
        run,
        ...(flags.from ? { from: iso(time('--from', flags.from)) } : {}),
        ...(flags.to ? { to: iso(time('--to', flags.to)) } : {}),
      }
      const signal = stopSignal()
      const progress = showProgress(`Backfill into ${run}`)
      const client = await connect(readConfig(flags))
      try {
        const lines = createInterface({
          input: await client.stream({ method: 'POST', path: '/admin/backfills', body, signal }),
        })
        for await (const line of lines) {
          const told = JSON.parse(line) as Told
          if (told.type === 'error') throw new FcmError('ASKED_WRONGLY', { detail: told.detail })
          if (told.type === 'done') progress.done(summary(told, run))
          else if (told.phase === 'processing') progress.update(1, `read; ${told.records} records to process`)
          else {
            const when = told.eventTime ? `, up to ${told.eventTime}` : ''
            progress.update(told.bytesRead / told.totalBytes, `${told.messages} messages${when}`)
          }
        }
      } catch (error) {
        if (!signal.aborted) throw error
        progress.done('stopped; the same command goes on from there.')
      } finally {
        await client.close()
      }
    })
}

function summary(told: Extract<Told, { type: 'done' }>, run: string): string {
  if (!told.finished) return 'stopped; the same command goes on from there.'
  const unreadable =
    told.unreadable > 0
      ? ` ${told.unreadable} lines were unreadable: \`fcm dead-letters list --run ${run}\` shows them, \`fcm gaps --run ${run}\` what they leave open.`
      : ''
  return `done, ${told.messages} messages up to ${told.eventTime}.${unreadable}`
}
