import type { Rec } from '../port.ts'

/**
 * Fetched and waiting: what has something waiting shares this equally, so that one partition with much to catch up with has
 * enough for as long as a fetch takes, and dozens of them don't fill the memory. More is fetched below half of a share. While
 * shares shrink, and by a fetch for each, it may be some times more.
 */
const QUEUE_BYTES = 16 * 1024 * 1024
/** What a record takes beside its key and value: it is an object of seven fields, with texts in its headers. */
const RECORD_BYTES = 500

/** What was fetched of a partition and waits for its handlers. */
export type Queue = { records: Rec[]; bytes: number }

export const newQueue = (): Queue => ({ records: [], bytes: 0 })

export function put(queue: Queue, record: Rec): void {
  queue.records.push(record)
  queue.bytes += bytesOf(record)
}

/** The next ones, at most `count`. */
export function take(queue: Queue, count: number): Rec[] {
  const records = queue.records.splice(0, count)
  for (const record of records) queue.bytes -= bytesOf(record)
  return records
}

/** What each that has something waiting may hold, bytes. */
export const shareOf = (queues: readonly Queue[]): number =>
  QUEUE_BYTES / Math.max(1, queues.filter(({ records }) => records.length > 0).length)

const bytesOf = ({ key, value }: Rec): number => RECORD_BYTES + key.length + (value?.length ?? 0)
