/**
 * A dead letter holds what could not be processed, as it was: its bytes are the value, its own headers stand beside
 * ours, so that it can be looked at and sent again. Delivery is at least once: the identity is `source`.
 */
import type { NewRec, Rec } from './port.ts'

/** Where it stood: in a topic, or on a line (from 1) of a file. */
export type Origin = { topic: string; partition: number; offset: number } | { file: string; line: number }

/** A line of a file, without its line end. */
export type DeadLine = { file: string; line: number; bytes: Uint8Array }

export type DeadLetter = {
  reason: string
  /** `topic/partition/offset` or `file:line`; two dead letters of one source are the same. */
  source: string
  origin: Origin
  /** The original key; null for a line of a file. */
  key: string | null
  value: Uint8Array | null
  headers: Record<string, string>
  /** Read from the bytes, where they begin as Confluent's wire format does. */
  schemaId: number | null
}

/** Key of the dead letters that no topic held. */
export const ARCHIVE_KEY = 'archive'

const REASON_LENGTH = 500
const OURS = 'fcm-'
/** An original header that is called like one of ours (a letter that died twice) is put behind this. */
const ESCAPE = 'fcm-original-'

/** The record that buries `from` in the dead-letters topic `topic`, keyed by the topic it comes from. */
export function deadLetter(topic: string, from: Rec | DeadLine, reason: string): NewRec {
  const why = { 'fcm-reason': reason.slice(0, REASON_LENGTH).toWellFormed() }
  if ('file' in from) {
    const headers = { ...why, 'fcm-source': `${from.file}:${from.line}` }
    return { topic, key: ARCHIVE_KEY, value: from.bytes, headers }
  }
  const originals = Object.entries(from.headers).map(([name, value]) => [
    name.startsWith(OURS) ? ESCAPE + name : name,
    value,
  ])
  const id = schemaId(from.value)
  return {
    topic,
    key: from.topic,
    value: from.value,
    headers: {
      ...Object.fromEntries(originals),
      ...why,
      'fcm-source': `${from.topic}/${from.partition}/${from.offset}`,
      'fcm-key': from.key,
      ...(id === null ? {} : { 'fcm-schema-id': String(id) }),
    },
  }
}

/** What `deadLetter` buried; null when `rec` is no dead letter. */
export function parseDeadLetter(rec: Rec): DeadLetter | null {
  const { 'fcm-reason': reason, 'fcm-source': source } = rec.headers
  const origin = source === undefined ? null : parseSource(source)
  if (reason === undefined || source === undefined || origin === null) return null
  const id = rec.headers['fcm-schema-id']
  return {
    reason,
    source,
    origin,
    key: rec.headers['fcm-key'] ?? null,
    value: rec.value,
    headers: Object.fromEntries(
      Object.entries(rec.headers)
        .filter(([name]) => !name.startsWith(OURS) || name.startsWith(ESCAPE))
        .map(([name, value]) => [name.startsWith(ESCAPE) ? name.slice(ESCAPE.length) : name, value]),
    ),
    schemaId: id === undefined ? null : Number(id),
  }
}

function parseSource(source: string): Origin | null {
  // A topic's name holds neither colon nor slash, and a file's source always ends in a colon and a number.
  const record = /^([^/:]+)\/(\d+)\/(\d+)$/.exec(source)
  if (record) return { topic: record[1]!, partition: Number(record[2]), offset: Number(record[3]) }
  const line = /^(.+):(\d+)$/s.exec(source)
  return line && { file: line[1]!, line: Number(line[2]) }
}

const schemaId = (value: Uint8Array | null): number | null =>
  value && value.length >= 5 && value[0] === 0
    ? new DataView(value.buffer, value.byteOffset).getInt32(1)
    : null
