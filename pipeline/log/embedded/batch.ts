/**
 * Records that were appended together lie in one row, as in Kafka's own log: reading and writing rows costs more than
 * all else. Each record is: length of key, of value (plus 1; 0: null) and of headers (JSON; 0: none), as uint32, then
 * those bytes.
 */
import type { NewRec, Rec } from '../port.ts'

const LENGTHS = 12
const MAX_RECORDS = 256
const MAX_BYTES = 64 * 1024

const NO_HEADERS: Record<string, string> = Object.freeze({})

/** The records in batches, in order; `key` is the record's key in bytes. */
export function pack(
  records: readonly { key: Buffer; record: NewRec }[],
): { count: number; bytes: Buffer }[] {
  const batches: { count: number; bytes: Buffer }[] = []
  for (let from = 0; from < records.length; ) {
    const headers: (Buffer | null)[] = []
    let size = 0
    let to = from
    let before: NewRec['headers']
    for (; to < records.length && to - from < MAX_RECORDS && size < MAX_BYTES; to++) {
      const { key, record } = records[to]!
      const some = record.headers && Object.keys(record.headers).length > 0
      // What came of one batch has the same headers.
      const repeats = some && record.headers === before
      const json = repeats ? headers.at(-1)! : some ? Buffer.from(JSON.stringify(record.headers)) : null
      before = record.headers
      headers.push(json)
      size += LENGTHS + key.length + (record.value?.length ?? 0) + (json?.length ?? 0)
    }
    const bytes = Buffer.allocUnsafe(size)
    let at = 0
    for (let i = from; i < to; i++) {
      const { key, record } = records[i]!
      const json = headers[i - from]!
      at = bytes.writeUInt32LE(key.length, at)
      at = bytes.writeUInt32LE(record.value ? record.value.length + 1 : 0, at)
      at = bytes.writeUInt32LE(json?.length ?? 0, at)
      bytes.set(key, at)
      at += key.length
      if (record.value) bytes.set(record.value, at)
      at += record.value?.length ?? 0
      if (json) bytes.set(json, at)
      at += json?.length ?? 0
    }
    batches.push({ count: to - from, bytes })
    from = to
  }
  return batches
}

/** Adds the records of a batch to `out`, of offsets in [from, end), `most` at most. Values share the memory of the batch. */
export function unpack(
  row: { topic: string; partition: number; offset: number; time: number; bytes: Uint8Array },
  { from, end, most }: { from: number; end: number; most: number },
  out: Rec[],
): void {
  const { topic, partition, time } = row
  const bytes = Buffer.from(row.bytes.buffer, row.bytes.byteOffset, row.bytes.byteLength)
  for (let at = 0, offset = row.offset; at < bytes.length && offset < end && most > 0; offset++) {
    const keyEnd = at + LENGTHS + bytes.readUInt32LE(at)
    const valueLength = bytes.readUInt32LE(at + 4)
    const valueEnd = keyEnd + Math.max(0, valueLength - 1)
    const recordEnd = valueEnd + bytes.readUInt32LE(at + 8)
    if (offset >= from) {
      most--
      out.push({
        topic,
        partition,
        offset,
        time,
        key: bytes.toString('utf8', at + LENGTHS, keyEnd),
        value: valueLength === 0 ? null : bytes.subarray(keyEnd, valueEnd),
        headers:
          recordEnd === valueEnd ? NO_HEADERS : JSON.parse(bytes.toString('utf8', valueEnd, recordEnd)),
      })
    }
    at = recordEnd
  }
}
