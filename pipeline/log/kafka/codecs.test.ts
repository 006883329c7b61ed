import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { unpackLz4, unpackSnappy } from './codecs.ts'

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
