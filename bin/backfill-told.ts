/** What a backfill tells of itself, in words. */
import type { Progress } from './progress.ts'

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
export type Told =
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

/** A line here and there may be damaged; where more than this share is, what was read is not the archive. */
const MOST_UNREADABLE = 0.01

/** Wrong clocks are those of all the archive, also where a part of it was read. */
export function isMuchLost({ messages, unreadable, wrongClocks, lines }: Done): boolean {
  const inPart = unreadable - wrongClocks
  return inPart > MOST_UNREADABLE * (messages + inPart) || unreadable > MOST_UNREADABLE * lines
}

export function show(progress: Progress, told: Extract<Told, { type: 'progress' }>): void {
  if (told.phase === 'waiting') process.stderr.write(`Waiting. ${told.detail}\n`)
  else if (told.phase === 'ordering')
    progress.update(told.bytesRead / Math.max(1, told.totalBytes), 'looking at its order')
  else if (told.phase === 'processing') progress.update(1, `read; ${told.records} records to process`)
  else {
    const when = told.eventTime ? `, up to ${told.eventTime}` : ''
    progress.update(told.bytesRead / Math.max(1, told.totalBytes), `${told.messages} messages${when}`)
  }
}

export function summary(told: Done, run: string): string {
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
