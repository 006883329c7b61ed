import { readFileSync } from 'node:fs'
import avro from 'avsc'
import { FcmError } from '../common/errors.ts'
import { fromWire, toWire, type WireAlertEvent } from './alert-event.ts'
import { MEASURES } from './measures.js'
import type { FcmRecord, RecordType } from './records.ts'
import type { SchemaRegistry } from './registry.ts'

/** Confluent's wire format: a zero byte, the schema id as big-endian int32, the Avro body. */
const HEADER_BYTES = 5

const FILES: Record<RecordType, string> = {
  Cast: 'cast',
  CastRemoved: 'cast-removed',
  Reaction: 'reaction',
  ReactionRemoved: 'reaction-removed',
  ReactionCount: 'reaction-count',
  Coverage: 'coverage',
  Polled: 'polled',
  BinClosed: 'bin-closed',
  Milestone: 'milestone',
  Idle: 'idle',
  Unknown: 'unknown',
  Late: 'late',
  Partial: 'partial',
  Signal: 'signal',
  AlertEvent: 'alert-event',
  DeskAction: 'desk-action',
}
/** An id that the registry does not have may be registered later, if hardly ever. */
const UNKNOWN_MS = 60_000
const MOST_UNKNOWN = 10_000

export const RECORD_TYPES = Object.keys(FILES) as RecordType[]

/** As in its file, with `Measure`, which all files but name, written out where it comes first. */
export function readSchema(type: RecordType): object {
  const text = readFileSync(new URL(`${FILES[type]}.avsc`, import.meta.url), 'utf8')
  const measure = JSON.stringify({ type: 'enum', name: 'Measure', symbols: MEASURES })
  return JSON.parse(text.replace('"Measure"', measure))
}

/** Whether a record can't be read, whoever tries; all else is no fault of the record. */
export const isUnreadable = (error: unknown): error is FcmError =>
  error instanceof FcmError && (error.code === 'RECORD_MALFORMED' || error.code === 'SCHEMA_UNKNOWN')

export interface Codec {
  /** The record in Confluent's wire format. A value that does not fit its schema is a bug and throws. */
  encode(record: FcmRecord): Buffer
  /**
   * The record in `bytes`, resolved from the schema it was written with to today's.
   * `prepare` must have seen its schema id. @throws FcmError RECORD_MALFORMED, SCHEMA_UNKNOWN
   */
  decode(bytes: Uint8Array): FcmRecord
  /** Fetches the schema of `bytes` unless it is known already. An id that does not exist is asked for once a minute. */
  prepare(bytes: Uint8Array): Promise<void>
}

type Reader = (body: Buffer) => FcmRecord

/** What avsc reads with; its own declarations leave this out. */
type Tap = { buf: Buffer; pos: number; readInt(): number; readLong(): number; skipLong(): void }
type Readable = { _read(tap: Tap): unknown; _skip(tap: Tap): void }

/**
 * avsc takes the length of an array on trust, so that ten bad bytes would cost all memory or, where the field is skipped,
 * all time. No item of ours is empty: an array with more items than the record has bytes is malformed.
 */
class BoundedArray extends avro.types.ArrayType {
  _read(tap: Tap): unknown[] {
    const itemsType = this.itemsType as unknown as Readable
    const items: unknown[] = []
    eachItem(tap, () => items.push(itemsType._read(tap)))
    return items
  }

  _skip(tap: Tap): void {
    const itemsType = this.itemsType as unknown as Readable
    eachItem(tap, () => itemsType._skip(tap))
  }
}

function eachItem(tap: Tap, item: () => void): void {
  let items = 0
  for (let n = tap.readLong(); n !== 0; n = tap.readLong()) {
    // Behind a negative count stands the size of its block: not to be trusted either.
    if (n < 0) tap.skipLong()
    const length = Math.abs(n)
    items += length
    if (length > tap.buf.length - tap.pos || items > tap.buf.length)
      throw new Error('an array in it is longer than the record')
    for (let i = 0; i < length; i++) item()
  }
}

/** avsc reads an `int` as long as its bytes are; it could not be written again, nor stored as one. */
class BoundedInt extends avro.types.IntType {
  _read(tap: Tap): number {
    const int = tap.readInt()
    if (int !== (int | 0)) throw new Error('an int in it has more than 32 bits')
    return int
  }
}

function bounded(schema: avro.Schema, options: avro.ForSchemaOptions): avro.Type | undefined {
  if (schema === 'int') return new BoundedInt()
  if (typeof schema !== 'object' || !('type' in schema)) return undefined
  // Counted on trust as arrays are, and no record of ours has one.
  if (schema.type === 'map') throw new Error('its schema has a map')
  return schema.type === 'array' ? new BoundedArray(schema, options) : undefined
}

const typeOf = (schema: object): avro.Type =>
  avro.Type.forSchema(schema as avro.Schema, { typeHook: bounded })

/** Registers every record's schema, then encodes and decodes synchronously. */
export async function createCodec(registry: SchemaRegistry): Promise<Codec> {
  const types = new Map<RecordType, avro.Type>()
  const ids = new Map<RecordType, number>()
  /** One cached resolver per writer schema. */
  const readers = new Map<number, Reader>()
  /** Ids that the registry did not have when it was asked, and when, ms: a flood of them must not become one of requests. */
  const unknown = new Map<number, number>()

  for (const type of RECORD_TYPES) {
    const schema = readSchema(type)
    const id = await registry.register(`fcm.${type}`, schema)
    const avroType = typeOf(schema)
    types.set(type, avroType)
    ids.set(type, id)
    readers.set(id, reader(type, avroType))
  }

  function reader(type: RecordType, writer: avro.Type): Reader {
    const readerType = types.get(type)!
    const resolver = writer === readerType ? undefined : readerType.createResolver(writer)
    return (body) => {
      const record = readerType.fromBuffer(body, resolver)
      if (type === 'AlertEvent') return fromWire(record as WireAlertEvent)
      record.type = type
      return record
    }
  }

  /** A schema that can't be read as one of ours makes each record that was written with it malformed. */
  function foreignReader(schema: object): Reader {
    try {
      const writer = typeOf(schema)
      const type = RECORD_TYPES.find((t) => `fcm.${t}` === writer.name)
      if (!type) throw new Error(`its schema is ${writer.name}, which is none of ours`)
      return reader(type, writer)
    } catch (error) {
      return () => {
        throw error
      }
    }
  }

  const idOf = (bytes: Uint8Array): number => {
    if (bytes.length < HEADER_BYTES || bytes[0] !== 0) {
      throw new FcmError('RECORD_MALFORMED', { why: 'it does not begin with a zero byte and a schema id' })
    }
    return new DataView(bytes.buffer, bytes.byteOffset).getInt32(1)
  }

  return {
    encode(record) {
      const body = types.get(record.type)!.toBuffer(record.type === 'AlertEvent' ? toWire(record) : record)
      const bytes = Buffer.allocUnsafe(HEADER_BYTES + body.length)
      bytes[0] = 0
      bytes.writeInt32BE(ids.get(record.type)!, 1)
      body.copy(bytes, HEADER_BYTES)
      return bytes
    },

    decode(bytes) {
      const id = idOf(bytes)
      const read = readers.get(id)
      if (!read) throw new FcmError('SCHEMA_UNKNOWN', { id })
      try {
        return read(Buffer.from(bytes.buffer, bytes.byteOffset + HEADER_BYTES, bytes.length - HEADER_BYTES))
      } catch (error) {
        throw new FcmError('RECORD_MALFORMED', { why: (error as Error).message }, error)
      }
    },

    async prepare(bytes) {
      if (bytes.length < HEADER_BYTES || bytes[0] !== 0) return
      const id = idOf(bytes)
      if (readers.has(id) || Date.now() - (unknown.get(id) ?? Number.NEGATIVE_INFINITY) < UNKNOWN_MS) return
      try {
        readers.set(id, foreignReader(await registry.schema(id)))
      } catch (error) {
        if (!(error instanceof FcmError && error.code === 'SCHEMA_UNKNOWN')) throw error
        if (unknown.size >= MOST_UNKNOWN) unknown.clear()
        unknown.set(id, Date.now())
      }
    },
  }
}
