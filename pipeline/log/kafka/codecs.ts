/**
 * How batches are unpacked. We pack with zstd; but a broker or a topic may be set to repack what it is given
 * (`compression.type`), and whoever mirrors a topic does as he likes. LZ4 and Snappy are read only, and by hand,
 * since the libraries that are kept are native, and reading takes a screen each.
 */
import { promisify } from 'node:util'
import { unzip, zstdDecompress } from 'node:zlib'
import { FcmError } from '../../../common/errors.ts'

/** Unpacked; a fetch is 1 MiB and a record at most 8, so that more is no batch of ours. */
const MOST_BYTES = 256 * 2 ** 20

type Name = 'lz4' | 'snappy' | 'zstd' | 'gzip'
const unreadable = (codec: Name, why: string): FcmError => new FcmError('BATCH_UNREADABLE', { codec, why })
const tooMuch = (codec: Name, most: number) => unreadable(codec, `it holds more than ${most} bytes`)

/** What is unpacked so far, in one piece: later parts repeat earlier ones. */
function createOutput(codec: Name, expected: number) {
  let bytes = Buffer.allocUnsafe(Math.min(Math.max(expected, 64), MOST_BYTES))
  let size = 0
  function room(more: number): void {
    if (size + more > MOST_BYTES) throw tooMuch(codec, MOST_BYTES)
    if (size + more <= bytes.length) return
    const larger = Buffer.allocUnsafe(Math.min(MOST_BYTES, Math.max(2 * bytes.length, size + more)))
    bytes.copy(larger, 0, 0, size)
    bytes = larger
  }
  return {
    literal(from: Buffer, at: number, length: number): void {
      if (at + length > from.length) throw unreadable(codec, 'it is cut off')
      room(length)
      from.copy(bytes, size, at, at + length)
      size += length
    },
    /** The `length` bytes that begin `distance` before the end; what is written by it may be part of it. */
    repeat(distance: number, length: number): void {
      if (distance < 1 || distance > size) throw unreadable(codec, 'it points before its beginning')
      room(length)
      for (const end = size + length; size < end; size++) bytes[size] = bytes[size - distance]!
    },
    done: (): Buffer => bytes.subarray(0, size),
    size: () => size,
  }
}
type Output = ReturnType<typeof createOutput>

const LZ4_FRAME = 0x184d2204
const STORED = 0x80000000

/** An LZ4 frame: github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md. Checksums are passed over: Kafka has its own. */
export function unpackLz4(packed: Buffer): Buffer {
  if (packed.length < 7 || packed.readUInt32LE(0) !== LZ4_FRAME) throw unreadable('lz4', 'it is no LZ4 frame')
  const flags = packed[4]!
  const [hasBlockSums, hasSize, hasDictionary] = [flags & 16, flags & 8, flags & 1]
  const output = createOutput('lz4', packed.length * 4)
  let at = 7 + (hasSize ? 8 : 0) + (hasDictionary ? 4 : 0)
  for (;;) {
    if (at + 4 > packed.length) throw unreadable('lz4', 'it is cut off')
    const head = packed.readUInt32LE(at)
    at += 4
    if (head === 0) return output.done()
    const length = head & ~STORED
    if (head & STORED) output.literal(packed, at, length)
    else if (at + length > packed.length) throw unreadable('lz4', 'it is cut off')
    else unpackLz4Block(packed.subarray(at, at + length), output)
    at += length + (hasBlockSums ? 4 : 0)
  }
}

function unpackLz4Block(block: Buffer, output: Output): void {
  let at = 0
  const byte = (): number => {
    if (at >= block.length) throw unreadable('lz4', 'it is cut off')
    return block[at++]!
  }
  const longer = (length: number): number => {
    if (length < 15) return length
    for (let more = 255, sum = length; ; sum += more) {
      if (more < 255) return sum
      more = byte()
    }
  }
  for (;;) {
    const token = byte()
    const literals = longer(token >> 4)
    output.literal(block, at, literals)
    at += literals
    // The last sequence is of literals alone.
    if (at === block.length) return
    const distance = byte() | (byte() << 8)
    output.repeat(distance, longer(token & 15) + 4)
  }
}

/** Before the blocks that Java's library writes: each with its length. */
const XERIAL = Buffer.from([0x82, ...Buffer.from('SNAPPY'), 0])
const XERIAL_HEAD = XERIAL.length + 8

/** Snappy, plain or in Java's framing: github.com/google/snappy/blob/main/format_description.txt. */
export function unpackSnappy(packed: Buffer): Buffer {
  if (!packed.subarray(0, XERIAL.length).equals(XERIAL)) return unpackSnappyBlock(packed)
  const blocks: Buffer[] = []
  for (let at = XERIAL_HEAD; at < packed.length; ) {
    if (at + 4 > packed.length) throw unreadable('snappy', 'it is cut off')
    const length = packed.readUInt32BE(at)
    at += 4
    if (at + length > packed.length) throw unreadable('snappy', 'it is cut off')
    blocks.push(unpackSnappyBlock(packed.subarray(at, at + length)))
    at += length
  }
  return Buffer.concat(blocks)
}

function unpackSnappyBlock(packed: Buffer): Buffer {
  let at = 0
  const number = (bytes: number): number => {
    if (at + bytes > packed.length) throw unreadable('snappy', 'it is cut off')
    at += bytes
    return packed.readUIntLE(at - bytes, bytes)
  }
  let size = 0
  for (let shift = 0, more = true; more; shift += 7) {
    const part = number(1)
    size += (part & 127) * 2 ** shift
    more = part > 127
    if (size > MOST_BYTES || shift > 28) throw unreadable('snappy', `it says that it holds ${size} bytes`)
  }
  const output = createOutput('snappy', size)
  while (at < packed.length) {
    const tag = number(1)
    const high = tag >> 2
    switch (tag & 3) {
      case 0: {
        const length = (high < 60 ? high : number(high - 59)) + 1
        output.literal(packed, at, length)
        at += length
        break
      }
      case 1:
        output.repeat(((tag >> 5) << 8) | number(1), 4 + (high & 7))
        break
      case 2:
        output.repeat(number(2), high + 1)
        break
      default:
        output.repeat(number(4), high + 1)
    }
  }
  if (output.size() !== size) throw unreadable('snappy', `it says ${size} bytes and holds ${output.size()}`)
  return output.done()
}

type ByNode = (packed: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>

const byNode =
  (codec: Name, unpack: ByNode, check: (packed: Buffer) => void = () => {}) =>
  async (packed: Buffer, most = MOST_BYTES): Promise<Buffer> => {
    check(packed)
    return unpack(packed, { maxOutputLength: most }).catch(({ code, message }: NodeJS.ErrnoException) => {
      throw code === 'ERR_BUFFER_TOO_LARGE' ? tooMuch(codec, most) : unreadable(codec, message)
    })
  }

export const unpackGzip = byNode('gzip', promisify(unzip))
export const unpackZstd = byNode('zstd', promisify(zstdDecompress), checkZstdFrame)

const ZSTD_FRAME = 0xfd2fb528

/**
 * One whole frame (RFC 8878, 3.1.1): of one that is cut off Node gives what there is, and of several the first, and says
 * nothing.
 */
function checkZstdFrame(packed: Buffer): void {
  const isCut = () => unreadable('zstd', 'it is cut off')
  if (packed.length < 5) throw isCut()
  if (packed.readUInt32LE(0) !== ZSTD_FRAME) throw unreadable('zstd', 'it is no Zstandard frame')
  const flags = packed[4]!
  const isSingle = (flags & 32) > 0
  const [window, dictionary] = [isSingle ? 0 : 1, [0, 1, 2, 4][flags & 3]!]
  let at = 5 + window + dictionary + [isSingle ? 1 : 0, 2, 4, 8][flags >> 6]!
  for (let isLast = false; !isLast; ) {
    if (at + 3 > packed.length) throw isCut()
    const head = packed.readUIntLE(at, 3)
    isLast = (head & 1) > 0
    // One byte stands for all of a block that repeats it.
    at += 3 + (((head >> 1) & 3) === 1 ? 1 : head >> 3)
  }
  const end = at + (flags & 4 ? 4 : 0)
  if (end > packed.length) throw isCut()
  if (end < packed.length) throw unreadable('zstd', 'something else stands behind it')
}
