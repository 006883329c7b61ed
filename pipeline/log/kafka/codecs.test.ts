import { constants, gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { unpackGzip, unpackLz4, unpackSnappy, unpackZstd } from './codecs.ts'

/** A run of new bytes, or a repeat of what was `distance` before, for `length` bytes. */
type Part = { literal: Uint8Array } | { distance: number; length: number }

const part = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 400 }).map((literal): Part => ({ literal })),
  fc
    .record({ distance: fc.integer({ min: 1, max: 2000 }), length: fc.integer({ min: 4, max: 600 }) })
    .map((one): Part => one),
)
/** Parts of which each repeat lies within what is there; the first and the last are literals. */
const parts = fc.array(part, { maxLength: 30 }).map((some) => {
  const all: Part[] = [{ literal: Buffer.from('begin') }]
  let size = 5
  for (const one of some) {
    if ('literal' in one) all.push(one)
    else all.push({ ...one, distance: Math.min(one.distance, size) })
    size += 'literal' in one ? one.literal.length : one.length
  }
  return [...all, { literal: Buffer.from('the end') } as Part]
})

function plain(all: readonly Part[]): Buffer {
  const bytes: number[] = []
  for (const one of all) {
    if ('literal' in one) bytes.push(...one.literal)
    else for (let i = 0; i < one.length; i++) bytes.push(bytes[bytes.length - one.distance]!)
  }
  return Buffer.from(bytes)
}

const extended = (length: number): number[] =>
  length < 15
    ? []
    : [...Array.from({ length: Math.floor((length - 15) / 255) }, () => 255), (length - 15) % 255]

function lz4Block(all: readonly Part[]): Buffer {
  const out: number[] = []
  let literal: number[] = []
  const flush = (repeat?: { distance: number; length: number }) => {
    const length = repeat ? repeat.length - 4 : 0
    out.push(
      (Math.min(literal.length, 15) << 4) | Math.min(length, 15),
      ...extended(literal.length),
      ...literal,
    )
    if (repeat) out.push(repeat.distance & 255, repeat.distance >> 8, ...extended(length))
    literal = []
  }
  for (const one of all) {
    if ('literal' in one) literal.push(...one.literal)
    else flush(one)
  }
  flush()
  return Buffer.from(out)
}
const u32 = (n: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(n >>> 0)
  return bytes
}
const HEAD = Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82])
const frame = (...blocks: Buffer[]) =>
  Buffer.concat([HEAD, ...blocks.flatMap((block) => [u32(block.length), block]), u32(0)])

const varint = (n: number): number[] => (n < 128 ? [n] : [(n & 127) | 128, ...varint(n >> 7)])
function snappyBlock(all: readonly Part[]): Buffer {
  const out: number[] = varint(plain(all).length)
  for (const one of all) {
    if ('literal' in one) {
      const length = one.literal.length - 1
      out.push(
        ...(length < 60
          ? [length << 2]
          : length < 256
            ? [60 << 2, length]
            : [61 << 2, length & 255, length >> 8]),
      )
      out.push(...one.literal)
      continue
    }
    for (let left = one.length; left > 0; ) {
      const length = Math.min(left, 64)
      if (length >= 4 && length < 12 && one.distance < 2048)
        out.push(1 | ((length - 4) << 2) | ((one.distance >> 8) << 5), one.distance & 255)
      else out.push(2 | ((length - 1) << 2), one.distance & 255, one.distance >> 8)
      left -= length
    }
  }
  return Buffer.from(out)
}

describe('LZ4', () => {
  test('what was packed comes out again, in blocks that refer to each other too', () => {
    fc.assert(
      fc.property(parts, fc.nat(), (all, at) => {
        const cut = at % all.length
        const blocks = [all.slice(0, cut), all.slice(cut)].filter((some) => some.length > 0)
        expect(unpackLz4(frame(...blocks.map(lz4Block)))).toEqual(plain(all))
      }),
    )
  })

  test('stored blocks, sums and a size are taken', () => {
    const flags = Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60 | 16 | 8, 0x40, ...Buffer.alloc(8), 0])
    const stored = Buffer.from('as it is')
    const packed = Buffer.concat([flags, u32(stored.length | 0x80000000), stored, u32(0), u32(0)])
    expect(unpackLz4(packed).toString()).toBe('as it is')
  })
})

describe('Snappy', () => {
  test('what was packed comes out again', () => {
    fc.assert(
      fc.property(parts, (all) => {
        expect(unpackSnappy(snappyBlock(all))).toEqual(plain(all))
      }),
    )
  })

  test("in Java's framing", () => {
    const [a, b] = [
      snappyBlock([{ literal: Buffer.from('one ') }]),
      snappyBlock([{ literal: Buffer.from('two') }]),
    ]
    const length = (n: number) => Buffer.from([0, 0, 0, n])
    const head = Buffer.from([0x82, ...Buffer.from('SNAPPY'), 0, 0, 0, 0, 1, 0, 0, 0, 1])
    expect(unpackSnappy(Buffer.concat([head, length(a.length), a, length(b.length), b])).toString()).toBe(
      'one two',
    )
  })
})

describe.each([
  ['zstd', unpackZstd, zstdCompressSync],
  ['gzip', unpackGzip, gzipSync],
] as const)('%s', (codec, unpack, pack) => {
  const refused = (why: RegExp) =>
    expect.objectContaining({ code: 'BATCH_UNREADABLE', details: { codec, why: expect.stringMatching(why) } })
  const why = (packed: Buffer, most?: number) => unpack(packed, most).catch((error: unknown) => error)

  test('what was packed comes out again', async () => {
    const random = fc.uint8Array({ minLength: 1, maxLength: 2000 })
    const repeated = fc.tuple(random, fc.nat(300)).map(([bytes, n]) => Buffer.alloc(n * 1000, bytes))
    await fc.assert(
      fc.asyncProperty(fc.oneof(random.map(Buffer.from), repeated), async (bytes) => {
        expect(bytes.equals(await unpack(pack(bytes)))).toBe(true)
      }),
    )
  })

  test('that is cut off, wherever, or damaged, is told of', async () => {
    const packed = pack(Buffer.from('one two three '.repeat(40)))
    for (let length = 0; length < packed.length; length++)
      expect(await why(packed.subarray(0, length))).toEqual(refused(/cut off|unexpected end/))
    expect(await why(Buffer.from('neither of them'))).toEqual(refused(/no Zstandard frame|incorrect header/))
    const damaged = Buffer.concat([packed.subarray(0, packed.length - 4), Buffer.alloc(4, 0xff)])
    if (codec === 'gzip') expect(await why(damaged)).toEqual(refused(/incorrect/))
  })

  test('that holds too much is told of', async () => {
    const packed = pack(Buffer.alloc(1001))
    expect(await why(packed, 1000)).toEqual(refused(/^it holds more than 1000 bytes$/))
    expect(await unpack(packed, 1001)).toHaveLength(1001)
  })
})

test('zstd with a checksum, and with the size left out, is one frame; more behind it is told of', async () => {
  const { ZSTD_c_checksumFlag: sum, ZSTD_c_contentSizeFlag: size } = constants
  const text = Buffer.from('one two three '.repeat(40))
  for (const params of [{ [sum]: 1 }, { [size]: 0 }, { [sum]: 1, [size]: 0 }])
    expect(await unpackZstd(zstdCompressSync(text, { params }))).toEqual(text)
  const packed = zstdCompressSync(text)
  await expect(unpackZstd(Buffer.concat([packed, packed]))).rejects.toThrow(/something else stands behind/)
  const summed = zstdCompressSync(text, { params: { [sum]: 1 } })
  summed[summed.length - 1]! ^= 1
  await expect(unpackZstd(summed)).rejects.toMatchObject({ code: 'BATCH_UNREADABLE' })
})

test('bytes that are neither are told of, and never taken for more than they are', () => {
  const code = expect.objectContaining({ code: 'BATCH_UNREADABLE' })
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      for (const unpack of [unpackLz4, unpackSnappy]) {
        for (const packed of [Buffer.from(bytes), Buffer.concat([HEAD, bytes])]) {
          try {
            expect(unpack(packed).length).toBeLessThan(200 * 300)
          } catch (error) {
            expect(error).toEqual(code)
          }
        }
      }
    }),
  )
})
