import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, symlinkSync } from 'node:fs'
import { basename, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FcmError } from '../../common/errors.ts'
import { FARCASTER_EPOCH } from '../../common/time.ts'
import type { ArchiveItem } from './archive.ts'
import { archivesAt, readArchive } from './archive.ts'
import { collect, temporaryFiles } from './fixtures.ts'

const { dir, file } = temporaryFiles()

const line = (n: number, text = `cast ${n}`): string =>
  JSON.stringify({
    data: { type: 'MESSAGE_TYPE_CAST_ADD', fid: 1, timestamp: n, castAddBody: { text } },
    hash: `0x${n.toString(16).padStart(40, '0')}`,
  })

const show = (item: ArchiveItem): string =>
  item.kind === 'message'
    ? item.message.type === 'cast'
      ? item.message.text
      : item.message.type
    : `${item.line}: ${item.why}`

/** What comes, and the error that ends it. */
async function read(paths: string[], options = {}): Promise<{ items: string[]; error?: FcmError }> {
  const items: string[] = []
  try {
    for await (const item of readArchive(paths, options)) items.push(show(item))
  } catch (error) {
    if (!(error instanceof FcmError)) throw error
    return { items, error }
  }
  return { items }
}

describe('readArchive', () => {
  it('reads plain and compressed files in the order given, whatever they are called, with or without a last newline', async () => {
    const plain = file(`${line(1)}\n${line(2)}`)
    const members = Buffer.concat([
      gzipSync(`${line(3)}\n${line(4).slice(0, 9)}`),
      gzipSync(`${line(4).slice(9)}\n`),
    ])
    const gz = file(members)
    expect(await read([gz, plain])).toEqual({ items: ['cast 3', 'cast 4', 'cast 1', 'cast 2'] })
  })

  it('passes over blank lines, empty files and types that are not kept; takes CRLF', async () => {
    const other = line(5).replace('CAST_ADD', 'USER_DATA_ADD')
    const content = `\n${line(1)}\r\n  \r\n${other}\r\n\n${line(2)}\r\n\n`
    expect(await read([file(''), file(content)])).toEqual({ items: ['cast 1', 'cast 2'] })
  })

  it('keeps lines whole across chunks, and counts the bytes on disk', async () => {
    const texts = Array.from({ length: 20_000 }, (_, n) => `${n} ${'é'.repeat(n % 50)}`)
    const many = texts.map((text, n) => line(n, text))
    const gz = file(gzipSync(many.join('\n')))
    const plain = file(many.join('\n'))
    const items: string[] = []
    const bytes: number[] = []
    for await (const item of readArchive([gz, plain])) {
      items.push(show(item))
      if (item.kind === 'message') bytes.push(item.bytesRead)
    }
    // Compared as one text: a list of so many takes seconds.
    expect(items.join('\n') === [...texts, ...texts].join('\n')).toBe(true)
    expect(bytes.every((at, i) => at >= (bytes[i - 1] ?? 0))).toBe(true)
    const onDisk = await archivesAt([gz, plain])
    expect(onDisk.map(({ name }) => name)).toEqual([gz, plain].map((path) => basename(path)))
    expect(bytes.at(-1)).toBe(onDisk.reduce((sum, archive) => sum + archive.bytes, 0))
  })

  it('hands over an unreadable line with its bytes, place and reason, and goes on', async () => {
    const latin1 = Buffer.from('{"text": "caf\u00e9"}', 'latin1')
    const path = file(
      Buffer.concat([
        Buffer.from(`${line(1)}\n{"data": oops\n`),
        latin1,
        Buffer.from(`\n{"data":{"type":"MESSAGE_TYPE_CAST_ADD"}}\n${line(2)}\n{"da`),
      ]),
    )
    const items = await collect(readArchive([path]))
    expect(items.map(show)).toEqual([
      'cast 1',
      expect.stringMatching(/^2: .*its line is not JSON/),
      expect.stringMatching(/^3: .*its line is not UTF-8/),
      expect.stringMatching(/^4: .*data.castAddBody is missing/),
      'cast 2',
      expect.stringMatching(/^6: .*its line is not JSON/),
    ])
    expect(items[2]).toMatchObject({ kind: 'unreadable', file: path, line: 3, bytes: latin1 })
  })

  it('survives a line of more than 8 MB: it is unreadable, and only its beginning is kept', async () => {
    const long = line(2, 'x'.repeat(8 * 2 ** 20))
    const path = file(gzipSync(`${line(1)}\n${long}\n${line(3, 'y'.repeat(7 * 2 ** 20))}\n`))
    const items = await collect(readArchive([path]))
    expect(items.map((item) => item.kind)).toEqual(['message', 'unreadable', 'message'])
    const [, unreadable] = items
    if (unreadable?.kind !== 'unreadable') throw new Error('readable')
    expect(unreadable.why).toContain(`${long.length} bytes`)
    expect(unreadable.bytes.toString()).toBe(long.slice(0, 65536))
  })

  it('takes a byte order mark before the first line', async () => {
    const mark = Buffer.from('\uFEFF')
    const text = Buffer.concat([mark, Buffer.from(`${line(1)}\r\n${line(2)}`)])
    expect(await read([file(text), file(gzipSync(text)), file(mark)])).toEqual({
      items: ['cast 1', 'cast 2', 'cast 1', 'cast 2'],
    })
  })

  it('reads whatever bytes there are, to the end, and misses no line that is a message', async () => {
    const noise = fc.oneof(
      fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
      fc.json().map((json) => Buffer.from(json)),
      fc
        .constantFrom('', '\r', '\0', '[1', '{}', 'null', '['.repeat(10_000), '{"__proto__":{"data":{}}}')
        .map(Buffer.from),
    )
    const rows = fc.array(fc.oneof(noise, fc.nat(1000)), { maxLength: 20 })
    await fc.assert(
      fc.asyncProperty(rows, fc.boolean(), async (parts, packed) => {
        const content = Buffer.concat(
          // A newline in the noise makes more lines of it, and begins none of ours.
          parts.flatMap((part) => [
            typeof part === 'number' ? Buffer.from(line(part)) : part,
            Buffer.from('\n'),
          ]),
        )
        const { items, error } = await read([file(packed ? gzipSync(content) : content)])
        // What begins as gzip does is none.
        if (error) return expect(packed).toBe(false)
        const ours = parts.filter((part) => typeof part === 'number').map((n) => `cast ${n}`)
        expect(items.filter((item) => item.startsWith('cast'))).toEqual(ours)
      }),
      { numRuns: 100 },
    )
  })

  it('refuses what is signed more than 10 minutes ahead', async () => {
    const now = () => FARCASTER_EPOCH + 1_000_000
    expect(await read([file(`${line(1600)}\n${line(1601)}\n`)], { now })).toEqual({
      items: ['cast 1600', expect.stringMatching(/^2: .*data.timestamp is in the future/)],
    })
  })

  it('says which file it can’t read and why', async () => {
    const path = join(dir, 'folder')
    mkdirSync(path)
    const [pipe, circle, secret] = [join(dir, 'pipe'), join(dir, 'circle'), file(line(1))]
    execFileSync('mkfifo', [pipe])
    symlinkSync(circle, circle)
    chmodSync(secret, 0)
    for (const [bad, why] of [
      [join(dir, 'absent'), 'no such file'],
      [path, 'it is a directory'],
      // Nobody writes into it: to open it would take for ever.
      [pipe, 'it is a pipe or a device'],
      ['/dev/zero', 'it is a pipe or a device'],
      [circle, 'its links lead in a circle'],
      [join(file(''), 'x'), 'ENOTDIR'],
      [join(dir, 'x'.repeat(300)), 'ENAMETOOLONG'],
      [`${dir}/a\0b`, 'null bytes'],
      // There is nothing that root may not read.
      ...(process.getuid?.() === 0 ? [] : [[secret, 'this user may not read it'] as const]),
    ] as const) {
      const { items, error } = await read([file(line(1)), bad])
      expect(items).toEqual(['cast 1'])
      expect(error).toMatchObject({ code: 'FILE_UNREADABLE', message: expect.stringContaining(why) })
      await expect(archivesAt([bad])).rejects.toMatchObject({
        code: 'FILE_UNREADABLE',
        details: { file: bad },
      })
    }
  })

  it('gives what stood before the place where gzip data breaks, then says so', async () => {
    // Hashes compress badly, so the data is in many blocks.
    const many = Array.from({ length: 60_000 }, (_, n) => line(n, String(Math.sin(n + 1))))
    const whole = gzipSync(many.join('\n'))
    const cut = await read([file(whole.subarray(0, whole.length * 0.8))])
    expect(cut.items.length).toBeGreaterThan(10_000)
    expect(cut.items).toEqual(many.slice(0, cut.items.length).map((l) => JSON.parse(l).data.castAddBody.text))
    expect(cut.error).toMatchObject({ code: 'FILE_UNREADABLE', message: expect.stringContaining('cut off') })

    const damaged = Buffer.from(whole)
    damaged.fill(0xff, whole.length * 0.8, whole.length * 0.8 + 64)
    const { items, error } = await read([file(damaged)])
    expect(items.length).toBeGreaterThan(10_000)
    expect(error).toMatchObject({ code: 'FILE_UNREADABLE', message: expect.stringContaining('damaged') })
  })
})
