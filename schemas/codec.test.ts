import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { FcmError } from '../common/errors.ts'
import { anyRecord } from './arbitrary.fixture.ts'
import { createCodec, RECORD_TYPES, readSchema } from './codec.ts'
import type { Idle } from './records.ts'
import type { SchemaRegistry } from './registry.ts'

const code = (value: string) => expect.objectContaining({ code: value })

/** In memory, and without checks; `asked` holds the ids that were looked up. */
function testRegistry() {
  const schemas: object[] = []
  const asked: number[] = []
  const registry: SchemaRegistry = {
    register: async (_, schema) => schemas.push(schema),
    async schema(id) {
      asked.push(id)
      const schema = schemas[id - 1]
      if (!schema) throw new FcmError('SCHEMA_UNKNOWN', { id })
      return schema
    },
  }
  return { registry, schemas, asked }
}

const idle: Idle = { type: 'Idle', measure: 'casts', from: 1_700_000_000_000 }
/** `bytes` under another schema id. */
const withId = (bytes: Buffer, id: number): Buffer => {
  const copy = Buffer.from(bytes)
  copy.writeInt32BE(id, 1)
  return copy
}

test.each(RECORD_TYPES)('any %s comes back from its bytes', async (type) => {
  const codec = await createCodec(testRegistry().registry)
  fc.assert(
    fc.property(anyRecord(type), (record) => {
      const bytes = codec.encode(record)
      expect({ ...codec.decode(bytes) }).toEqual(record)
      // Bytes may lie anywhere in a larger buffer, as they do in a batch.
      const larger = new Uint8Array(bytes.length + 10)
      larger.set(bytes, 7)
      expect({ ...codec.decode(larger.subarray(7, 7 + bytes.length)) }).toEqual(record)
    }),
    { numRuns: 60 },
  )
})

test('the wire format is a zero byte, the schema id big-endian, and the body', async () => {
  const { registry, schemas } = testRegistry()
  schemas.length = 0x0102
  const bytes = (await createCodec(registry)).encode(idle)
  const id = 0x0102 + RECORD_TYPES.indexOf('Idle') + 1
  expect([...bytes.subarray(0, 5)]).toEqual([0, 0, 0, id >> 8, id & 0xff])
  // measure: third symbol, zigzag 4; from: a zigzag varint
  expect(bytes[5]).toBe(4)
})

test.each(RECORD_TYPES)('a %s that is cut short, or has too much, is malformed', async (type) => {
  const codec = await createCodec(testRegistry().registry)
  fc.assert(
    fc.property(anyRecord(type), fc.nat(), (record, n) => {
      const bytes = codec.encode(record)
      const cut = bytes.subarray(0, n % bytes.length)
      expect(() => codec.decode(cut)).toThrow(code('RECORD_MALFORMED'))
      expect(() => codec.decode(Buffer.concat([bytes, Buffer.of(0)]))).toThrow(code('RECORD_MALFORMED'))
    }),
    { numRuns: 30 },
  )
})

test('what does not begin with a zero byte is malformed, and nobody is asked about it', async () => {
  const { registry, asked } = testRegistry()
  const codec = await createCodec(registry)
  const bytes = codec.encode(idle)
  bytes[0] = 1
  await codec.prepare(bytes)
  await codec.prepare(Buffer.alloc(0))
  expect(() => codec.decode(bytes)).toThrow(code('RECORD_MALFORMED'))
  expect(() => codec.decode(Buffer.of(0, 0, 0, 0))).toThrow(code('RECORD_MALFORMED'))
  expect(asked).toEqual([])
})

test('a length that no record can have is malformed at once', async () => {
  const codec = await createCodec(testRegistry().registry)
  const record = { type: 'BinClosed', start: 0, seconds: 300, bins: [] } as const
  const bytes = codec.encode({ ...record, bins: [] })
  // The count of `bins`, four thousand million instead of none.
  const huge = Buffer.concat([bytes.subarray(0, -1), Buffer.of(0x80, 0xa0, 0xd9, 0xe6, 0x1d, 0)])
  const before = performance.now()
  expect(() => codec.decode(huge)).toThrow(code('RECORD_MALFORMED'))
  expect(performance.now() - before).toBeLessThan(1000)
})

test('an unknown schema id is asked for once a minute', async () => {
  const { registry, asked } = testRegistry()
  const codec = await createCodec(registry)
  const bytes = withId(codec.encode(idle), 999)
  for (let i = 0; i < 3; i++) {
    await codec.prepare(bytes)
    expect(() => codec.decode(bytes)).toThrow(code('SCHEMA_UNKNOWN'))
  }
  expect(asked).toEqual([999])
  vi.useFakeTimers({ now: Date.now() + 61_000 })
  await codec.prepare(bytes)
  expect(asked).toEqual([999, 999])
  vi.useRealTimers()
})

test('a registry that does not answer is asked again', async () => {
  const { registry, schemas } = testRegistry()
  const codec = await createCodec(registry)
  const bytes = withId(codec.encode(idle), schemas.push(readSchema('Idle')))
  const answer = registry.schema
  registry.schema = () => Promise.reject(new Error('down'))
  await expect(codec.prepare(bytes)).rejects.toThrow('down')
  registry.schema = answer
  await codec.prepare(bytes)
  expect(codec.decode(bytes)).toEqual(idle)
})

test('what an older schema has written is read as today, defaults filled in', async () => {
  const { registry, schemas } = testRegistry()
  const older = structuredClone(readSchema('Unknown')) as { fields: { name: string }[] }
  older.fields = older.fields.filter(({ name }) => name !== 'reason')
  const old = await createCodec(registry)
  const record = { type: 'Unknown', measure: 'posts', from: 1, to: 2, reason: null } as const
  // `reason: null` is one byte, the last.
  const bytes = withId(old.encode(record), schemas.push(older)).subarray(0, -1)
  const codec = await createCodec(registry)
  await codec.prepare(bytes)
  expect(codec.decode(bytes)).toEqual(record)
})

test('a schema that is none of ours, or can not be read as ours, makes a record malformed', async () => {
  const { registry, schemas } = testRegistry()
  const codec = await createCodec(registry)
  const record = (name: string, fields: object[]) => ({ type: 'record', namespace: 'fcm', name, fields })
  const other = withId(codec.encode(idle), schemas.push(record('Other', [])))
  const changed = withId(codec.encode(idle), schemas.push(record('Idle', [{ name: 'from', type: 'string' }])))
  const notAvro = withId(codec.encode(idle), schemas.push({ type: 'nonsense' }))
  for (const bytes of [other, changed, notAvro]) {
    await codec.prepare(bytes)
    expect(() => codec.decode(bytes)).toThrow(code('RECORD_MALFORMED'))
  }
})
