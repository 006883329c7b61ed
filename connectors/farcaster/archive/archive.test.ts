import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, symlinkSync } from 'node:fs'
import { basename, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FcmError } from '../../../common/errors.ts'
import { FARCASTER_EPOCH } from '../../../common/time.ts'
import type { ArchiveItem } from '../completeness.ts'
import { collect, temporaryFiles } from '../fixtures.ts'
import { openArchive } from './archive.ts'
import { archivesAt } from './lines.ts'

const { dir, file } = temporaryFiles()

const line = (n: number, text = `cast ${n}`): string =>
  JSON.stringify({
    data: { type: 'MESSAGE_TYPE_CAST_ADD', fid: 1, timestamp: n, castAddBody: { text } },
    hash: `0x${n.toString(16).padStart(40, '0')}`,
  })

/** What comes, but for the spans. */
async function* readArchive(paths: string[], options = {}): AsyncGenerator<ArchiveItem> {
  const { items } = await openArchive(paths, { dir, ...options })
  for await (const item of items()) if (item.kind !== 'span') yield item as ArchiveItem
}

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

describe('an archive', () => {
  it('is read from plain and compressed files, whatever they are called, with or without a last newline', async () => {
    const plain = file(`${line(1)}\n${line(2)}`)
    const members = Buffer.concat([
      gzipSync(`${line(3)}\n${line(4).slice(0, 9)}`),
      gzipSync(`${line(4).slice(9)}\n`),
    ])
    const gz = file(members)
    expect(await read([gz, plain])).toEqual({ items: ['cast 1', 'cast 2', 'cast 3', 'cast 4'] })
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
    expect(items.join('\n') === texts.flatMap((text) => [text, text]).join('\n')).toBe(true)
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
    // Messages of one second wait for one another.
    expect(items.map(show)).toEqual([
      expect.stringMatching(/^2: .*its line is not JSON/),
      expect.stringMatching(/^3: .*its line is not UTF-8/),
      expect.stringMatching(/^4: .*data.castAddBody is missing/),
      'cast 1',
      expect.stringMatching(/^6: .*its line is not JSON/),
      'cast 2',
    ])
    expect(items[1]).toMatchObject({ kind: 'unreadable', file: path, line: 3, bytes: latin1 })
  })

  it('survives a line of more than 8 MB: it is unreadable, and only its beginning is kept', async () => {
    const long = line(2, 'x'.repeat(8 * 2 ** 20))
    const path = file(gzipSync(`${line(1)}\n${long}\n${line(3, 'y'.repeat(7 * 2 ** 20))}\n`))
    const items = await collect(readArchive([path]))
    expect(items.map((item) => item.kind)).toEqual(['unreadable', 'message', 'message'])
    const [unreadable] = items
    if (unreadable?.kind !== 'unreadable') throw new Error('readable')
    expect(unreadable.why).toContain(`${long.length} bytes`)
    expect(unreadable.bytes.toString()).toBe(long.slice(0, 65536))
  })

  it('takes a byte order mark before the first line', async () => {
    const mark = Buffer.from('\uFEFF')
    const text = Buffer.concat([mark, Buffer.from(`${line(1)}\r\n${line(2)}`)])
    expect(await read([file(text), file(gzipSync(text)), file(mark)])).toEqual({
      items: ['cast 1', 'cast 1', 'cast 2', 'cast 2'],
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
        const ours = parts
          .filter((part) => typeof part === 'number')
          .sort((a, b) => a - b)
          .map((n) => `cast ${n}`)
        expect(items.filter((item) => item.startsWith('cast'))).toEqual(ours)
      }),
      { numRuns: 50 },
    )
  })

  it('refuses what is signed more than 10 minutes ahead', async () => {
    const now = FARCASTER_EPOCH + 1_000_000
    expect(await read([file(`${line(1600)}\n${line(1601)}\n${line(1600)}`)], { now })).toEqual({
      items: [expect.stringMatching(/^2: .*data.timestamp is in the future/), 'cast 1600', 'cast 1600'],
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
      expect(items).toEqual([])
      expect(error).toMatchObject({ code: 'FILE_UNREADABLE', message: expect.stringContaining(why) })
      await expect(archivesAt([bad])).rejects.toMatchObject({
        code: 'FILE_UNREADABLE',
        details: { file: bad },
      })
    }
  })

  it('gives nothing of a file whose gzip data breaks, and says after which line', async () => {
    // Hashes compress badly, so the data is in many blocks.
    const many = Array.from({ length: 60_000 }, (_, n) => line(n, String(Math.sin(n + 1))))
    const whole = gzipSync(many.join('\n'))
    const cut = await read([file(whole.subarray(0, whole.length * 0.8))])
    expect(cut.items).toEqual([])
    expect(cut.error).toMatchObject({
      code: 'FILE_UNREADABLE',
      message: expect.stringMatching(/cut off, after line \d{5}/),
    })

    const damaged = Buffer.from(whole)
    damaged.fill(0xff, whole.length * 0.8, whole.length * 0.8 + 64)
    const { items, error } = await read([file(damaged)])
    expect(items).toEqual([])
    expect(error).toMatchObject({
      code: 'FILE_UNREADABLE',
      message: expect.stringMatching(/damaged, after line \d{5}/),
    })
  })

  it('reads every member of a gzip file, whatever padding stands between them, and names anything else', async () => {
    const members = [1, 2, 3].map((n) => gzipSync(`${line(n)}\n`))
    const between = (padding: Buffer) =>
      Buffer.concat([members[0]!, padding, members[1]!, padding, members[2]!, padding])
    for (const size of [0, 1, 511, 300_000])
      expect((await read([file(between(Buffer.alloc(size)))])).items).toEqual(['cast 1', 'cast 2', 'cast 3'])
    // Behind so much data, member and padding lie in chunks of their own.
    const many = Array.from({ length: 20_000 }, (_, n) => line(n + 10, String(Math.sin(n + 1))))
    const large = Buffer.concat([gzipSync(`${many.join('\n')}\n`), Buffer.alloc(7), members[0]!])
    expect((await read([file(large)])).items).toHaveLength(20_001)
    for (const rest of ['oops', '\0\0oops'])
      expect((await read([file(between(Buffer.from(rest)))])).error).toMatchObject({
        code: 'FILE_UNREADABLE',
        message: expect.stringMatching(/damaged|behind its gzip data stands something else/),
      })
  })
})
