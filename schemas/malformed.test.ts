/** Bytes that no codec has written: whatever they are, they cost little, and what comes of them is said. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FcmError } from '../common/errors.ts'
import { anyRecord } from './arbitrary.fixture.ts'
import { createCodec, RECORD_TYPES, readSchema } from './codec.ts'
import type { Cast, FcmRecord } from './records.ts'
import type { SchemaRegistry } from './registry.ts'

const schemas: object[] = []
const registry: SchemaRegistry = {
  register: async (_, schema) => schemas.push(schema),
  async schema(id) {
    const schema = schemas[id - 1]
    if (!schema) throw new FcmError('SCHEMA_UNKNOWN', { id })
    return schema
  },
}
const codec = await createCodec(registry)
/** An id that one has not found stays unknown to it; those of the tests with odd ids must not be in the way. */
const another = await createCodec(registry)

/** The record in `bytes`, or the code of the error; anything else that is thrown fails the test. */
async function outcome(bytes: Uint8Array, { prepare, decode } = codec): Promise<FcmRecord | string> {
  await prepare(bytes)
  try {
    return decode(bytes)
  } catch (error) {
    if (!(error instanceof FcmError)) throw error
    expect(error.message.length).toBeLessThan(600)
    return error.code
  }
}

const CODES = ['RECORD_MALFORMED', 'SCHEMA_UNKNOWN']

/** A coded error, or a record that is as good as any: it can be written, and comes back. */
async function isHarmless(bytes: Uint8Array): Promise<void> {
  const found = await outcome(bytes)
  if (typeof found === 'string') return expect(CODES).toContain(found)
  const again = await outcome(codec.encode(found))
  expect(again).toEqual(found)
}

/** zigzag varint */
function long(value: bigint): Buffer {
  let left = value < 0n ? -2n * value - 1n : 2n * value
  const bytes: number[] = []
  for (; left > 127n; left >>= 7n) bytes.push(Number(left & 127n) | 128)
  return Buffer.from([...bytes, Number(left)])
}

describe.each(RECORD_TYPES)('%s', (type) => {
  const anyBytes = anyRecord(type).map((record) => codec.encode(record))

  test('with bits turned over', () =>
    fc.assert(
      fc.asyncProperty(anyBytes, fc.array(fc.nat(), { minLength: 1, maxLength: 4 }), async (bytes, flips) => {
        for (const flip of flips) bytes[(flip >> 3) % bytes.length]! ^= 1 << (flip & 7)
        await isHarmless(bytes)
      }),
      { numRuns: 200 },
    ))

  test('with a number of any size put into it', () => {
    const odd = fc.oneof(
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      fc.constantFrom(0n, -1n, -2n, 2n ** 31n, 2n ** 40n, -(2n ** 40n), 2n ** 53n, -(2n ** 63n)),
    )
    return fc.assert(
      fc.asyncProperty(anyBytes, fc.nat(), fc.array(odd, { maxLength: 6 }), async (bytes, n, numbers) => {
        const at = 5 + (n % (bytes.length - 4))
        await isHarmless(Buffer.concat([bytes.subarray(0, at), ...numbers.map(long), bytes.subarray(at)]))
      }),
      { numRuns: 200 },
    )
  })
})

test('any bytes at all, under any id', () =>
  fc.assert(
    fc.asyncProperty(
      fc.constantFrom(-1, 0, 1_000_000, ...RECORD_TYPES.map((_, i) => i + 1)),
      fc.uint8Array({ maxLength: 300 }),
      async (id, body) => {
        const bytes = Buffer.concat([Buffer.alloc(5), body])
        bytes.writeInt32BE(id, 1)
        await isHarmless(bytes)
      },
    ),
    { numRuns: 1000 },
  ))

const cast: Cast = {
  type: 'Cast',
  hash: Buffer.alloc(20, 7),
  fid: 1,
  time: 1_700_000_000_000,
  clock: 'signed',
  verified: false,
  text: 'gm',
  parent: null,
  parentUrl: null,
  urls: [],
  quotes: [],
  mentions: [],
}

/** Bodies that end as a Cast does: urls, quotes, mentions. */
const withEnd = (...end: Buffer[]): Buffer => Buffer.concat([codec.encode(cast).subarray(0, -3), ...end])

test.each<[string, Buffer]>([
  ['an array of 2^40', withEnd(long(2n ** 40n), Buffer.alloc(2))],
  ['an array of -2^40', withEnd(long(-(2n ** 40n)), long(1n), Buffer.alloc(2))],
  ['an array of -2^63', withEnd(long(-(2n ** 63n)), long(1n), Buffer.alloc(2))],
  ['a string of 2^40 bytes', withEnd(long(1n), long(2n ** 40n), Buffer.alloc(3))],
  ['a string of -2 bytes, which would be read for ever', withEnd(long(1n), long(-2n), Buffer.alloc(3))],
  // Each block says that it holds all the bytes that are left.
  [
    'an array whose blocks add up',
    withEnd(...Array.from({ length: 3000 }, () => long(2999n)), Buffer.alloc(2)),
  ],
])('%s costs nothing', async (_, bytes) => {
  const before = performance.now()
  const heap = process.memoryUsage().heapUsed
  expect(await outcome(bytes)).toBe('RECORD_MALFORMED')
  expect(performance.now() - before).toBeLessThan(2000)
  expect(process.memoryUsage().heapUsed - heap).toBeLessThan(50 << 20)
})

test('a block may say its size, as Avro allows', async () => {
  const urls = Buffer.concat([long(-1n), long(3n), long(2n), Buffer.from('ab'), long(0n)])
  expect(await outcome(withEnd(urls, Buffer.alloc(2)))).toEqual({ ...cast, urls: ['ab'] })
})

test('a text of 5 MB comes back, and cut short it does not', async () => {
  const long = { ...cast, text: 'é'.repeat(2_500_000), parentUrl: 'x'.repeat(1_000_000) }
  const bytes = codec.encode(long)
  expect(await outcome(bytes)).toEqual(long)
  expect(await outcome(bytes.subarray(0, -1))).toBe('RECORD_MALFORMED')
})

describe('under the schema of another', () => {
  /** A `Cast` with one more field before all others, which today's readers skip. */
  const withField = (field: object): number => {
    const schema = structuredClone(readSchema('Cast')) as { fields: object[] }
    schema.fields.unshift(field)
    return schemas.push(schema)
  }
  const body = codec.encode(cast).subarray(5)
  const under = (id: number, ...parts: Buffer[]): Buffer => {
    const bytes = Buffer.concat([Buffer.alloc(5), ...parts, body])
    bytes.writeInt32BE(id, 1)
    return bytes
  }
  const array = (items: unknown) => ({ name: 'more', type: { type: 'array', items } })
  const empty = { type: 'record', name: 'Empty', fields: [] }

  test('what is skipped is skipped right, however its blocks are written', async () => {
    const id = withField(array('string'))
    const items = [long(2n), long(1n), Buffer.from('a'), long(0n)]
    expect(await outcome(under(id, ...items, long(0n)), another)).toEqual(cast)
    const sized = [long(-1n), long(2n), long(1n), Buffer.from('b')]
    expect(await outcome(under(id, ...sized, ...items, long(0n)), another)).toEqual(cast)
  })

  test.each<[string, object, Buffer[]]>([
    ['2^40 items that have no bytes', array('null'), [long(2n ** 40n), long(0n)]],
    ['2^40 empty records', array(empty), [long(2n ** 40n), long(0n)]],
    // Skipped by its size, it would lead back to itself.
    ['a block of -4 bytes', array('int'), [long(-1n), long(-4n), long(0n)]],
    ['a map of 2^40', { name: 'more', type: { type: 'map', values: 'null' } }, [long(2n ** 40n), long(0n)]],
    [
      'records in records',
      {
        name: 'more',
        type: ['null', { type: 'record', name: 'R', fields: [{ name: 'r', type: ['null', 'R'] }] }],
      },
      [Buffer.alloc(1_000_000, 2)],
    ],
  ])('%s cost nothing', async (_, field, parts) => {
    const before = performance.now()
    expect(await outcome(under(withField(field), ...parts), another)).toBe('RECORD_MALFORMED')
    expect(performance.now() - before).toBeLessThan(2000)
  })

  test.each<[string, unknown]>([
    ['a word', 'string'],
    ['a list', ['null', 'string']],
    ['a record without fields', { type: 'record', name: 'Cast', namespace: 'fcm' }],
    [
      'a type that is not there',
      { type: 'record', name: 'fcm.Cast', fields: [{ name: 'hash', type: 'Hush' }] },
    ],
    [
      'one that holds itself',
      { type: 'record', name: 'fcm.Cast', fields: [{ name: 'hash', type: 'fcm.Cast' }] },
    ],
  ])('that is %s', async (_, schema) => {
    expect(await outcome(under(schemas.push(schema as object)), another)).toBe('RECORD_MALFORMED')
  })
})
