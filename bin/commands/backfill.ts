import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import type { Command } from 'commander'
import { connect } from '../../app/client.ts'
import { readConfig } from '../../app/config.ts'
import { stopSignal } from '../../app/stopping.ts'
import { FcmError, toldError } from '../../common/errors.ts'
import { iso } from '../../common/time.ts'
import { checkRunName } from '../../pipeline/topology.ts'
import { time } from '../options.ts'
import { type Progress, showProgress } from '../progress.ts'
import { withSettings } from '../settings.ts'

type Done = {
  type: 'done'
  finished: boolean
  messages: number
  /** With those whose clocks are not believed. */
  unreadable: number
  wrongClocks: number
  /** Of all the archive, those that should be messages. */
  lines: number
  eventTime: string | null
}
type Told =
  | {
      type: 'progress'
      phase: 'reading'
      messages: number
      bytesRead: number
      totalBytes: number
      eventTime: string | null
    }
  | { type: 'progress'; phase: 'ordering'; bytesRead: number; totalBytes: number }
  | { type: 'progress'; phase: 'processing'; records: number }
  | { type: 'progress'; phase: 'waiting'; detail: string }
  | Done
  | { type: 'error'; code: string; detail: string }

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

/** A line here and there may be damaged; where more than this share is, what was read is not the archive. */
const MOST_UNREADABLE = 0.01
const NOT_WHOLE = 1
/** As a shell says it of what SIGINT has ended. */
const STOPPED = 130

/** Wrong clocks are those of all the archive, also where a part of it was read. */
function isMuchLost({ messages, unreadable, wrongClocks, lines }: Done): boolean {
  const inPart = unreadable - wrongClocks
  return inPart > MOST_UNREADABLE * (messages + inPart) || unreadable > MOST_UNREADABLE * lines
}

function show(progress: Progress, told: Extract<Told, { type: 'progress' }>): void {
  if (told.phase === 'waiting') process.stderr.write(`Waiting. ${told.detail}\n`)
  else if (told.phase === 'ordering')
    progress.update(told.bytesRead / Math.max(1, told.totalBytes), 'looking at its order')
  else if (told.phase === 'processing') progress.update(1, `read; ${told.records} records to process`)
  else {
    const when = told.eventTime ? `, up to ${told.eventTime}` : ''
    progress.update(told.bytesRead / Math.max(1, told.totalBytes), `${told.messages} messages${when}`)
  }
}

function summary(told: Done, run: string): string {
  const { messages, wrongClocks, eventTime } = told
  const unreadable = told.unreadable - wrongClocks
  const read = eventTime
    ? `done, ${messages} messages up to ${eventTime}.`
    : `done, but none of the ${messages} messages that were read lies in that time.`
  const why = `\`fcm dead-letters list --run ${run}\` tells why`
  const said = [read]
  if (unreadable > 0)
    said.push(
      `${unreadable === 1 ? 'One line was' : `${unreadable} lines were`} unreadable: ${why}, \`fcm gaps --run ${run}\` what is open for it.`,
    )
  if (wrongClocks > 0)
    said.push(
      `${wrongClocks === 1 ? 'One message was' : `${wrongClocks} messages were`} left out for a clock that is not believed: ${why}. Where the clocks are right, backfill it into another run, with --believe-clocks.`,
    )
  return said.join(' ')
}
