/** An archive goes through the whole pipeline, and what comes out is what a reader of the file alone would count. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { here } from '../bin/testing.ts'
import { dataDir, exportsOf, openExports, spawnFcm } from './testing.ts'

const ARCHIVE = fileURLToPath(new URL('../docs/examples/casts.hub.ndjson.gz', import.meta.url))

const { dir, remove } = dataDir()
afterAll(remove)

/** `series,hour,count` of casts by hour, from the file alone: it shares no code with the product. */
function countByHour(file: string): Map<string, number> {
  const EPOCH = 1609459200
  const channels = new Map<string, { channel: string; time: number }>()
  const counts = new Map<string, number>()
  for (const line of gunzipSync(readFileSync(file)).toString().trim().split('\n')) {
    const { data, hash } = JSON.parse(line)
    if (data.type !== 'MESSAGE_TYPE_CAST_ADD') continue
    const time = data.timestamp + EPOCH
    const { parentCastId, parentUrl } = data.castAddBody
    let channel = parentUrl ?? '_'
    if (parentCastId) {
      const parent = channels.get(parentCastId.hash)
      channel = parent && time - parent.time <= 48 * 3600 ? parent.channel : '_'
    }
    channels.set(hash, { channel, time })
    const hour = new Date(Math.floor(time / 3600) * 3600_000).toISOString().replace('.000Z', 'Z')
    for (const series of [`casts:${channel}`, 'casts:*']) {
      counts.set(`${series},${hour}`, (counts.get(`${series},${hour}`) ?? 0) + 1)
    }
  }
  return counts
}

async function countsOf(run: string, query: Record<string, string> = {}): Promise<string> {
  const { read, close } = await openExports(dir)
  try {
    return await read('counts', { run, format: 'csv', ...query })
  } finally {
    await close()
  }
}

const backfill = (...args: string[]) => here(['backfill', ARCHIVE, '--data-dir', dir, ...args])

beforeAll(async () => {
  const { code, stderr } = await backfill('--run', 'history')
  expect(stderr).toMatch(/done, 1086 messages up to 2026-01-05T08:00:00Z/)
  expect(code).toBe(0)
})

test('casts by hour, for the network and each channel, equal those counted from the file alone', async () => {
  const exported = new Map<string, number>()
  for (const line of (await countsOf('history', { resolution: '3600' })).trim().split('\n').slice(1)) {
    const [series, start, seconds, count, late] = line.split(',')
    expect([seconds, late]).toEqual(['3600', '0'])
    if (series!.startsWith('casts:') && count !== '0') exported.set(`${series},${start}`, Number(count))
  }
  const counted = countByHour(ARCHIVE)
  expect(counted.size).toBeGreaterThan(50)
  expect(exported).toEqual(counted)
})

test('the same again changes nothing', async () => {
  const before = await exportsOf(dir, 'history')
  expect((await backfill('--run', 'history')).code).toBe(0)
  expect(await exportsOf(dir, 'history')).toEqual(before)
})

test('stopped half-way, it goes on to the same bytes', async () => {
  const stopped = spawnFcm(['backfill', ARCHIVE, '--run', 'stopped', '--data-dir', dir], {
    FCM_BATCH_SIZE: '1',
  })
  await sleep(1200)
  stopped.kill('SIGKILL')
  await stopped.ended
  expect((await backfill('--run', 'stopped')).code).toBe(0)
  expect((await exportsOf(dir, 'stopped')).counts).toEqual((await exportsOf(dir, 'history')).counts)
})

test('an archive that has grown goes on; what comes behind its end in time is late, not lost', async () => {
  const lines = gunzipSync(readFileSync(ARCHIVE)).toString().trim().split('\n')
  const file = join(dir, 'growing.ndjson')
  for (const n of [700, lines.length]) {
    writeFileSync(file, `${lines.slice(0, n).join('\n')}\n`)
    expect((await here(['backfill', file, '--run', 'growing', '--data-dir', dir])).code).toBe(0)
  }
  /** Casts by channel, counted or late. */
  const totals = async (run: string) => {
    const stdout = await countsOf(run)
    const found = new Map<string, number>()
    for (const line of stdout.split('\n')) {
      const [series, , , count, late] = line.split(',')
      if (!series!.startsWith('casts:') || series === 'casts:*') continue
      found.set(series!, (found.get(series!) ?? 0) + Number(count) + Number(late))
    }
    return found
  }
  expect(await totals('growing')).toEqual(await totals('history'))
})

test('in any order, in any parts, it gives the same; what comes to it before its end is refused', async () => {
  const lines = gunzipSync(readFileSync(ARCHIVE)).toString().trim().split('\n')
  // As by author: each third line, newest first.
  const parts = [0, 1, 2].map((n) => lines.filter((_, i) => i % 3 === n).reverse())
  const files = parts.map((part, n) => {
    const file = join(dir, `part-${n}.ndjson`)
    writeFileSync(file, part.join('\n'))
    return file
  })
  const { code, stderr } = await here(['backfill', ...files, '--run', 'parts', '--data-dir', dir])
  expect(stderr).toMatch(/done, 1086 messages up to 2026-01-05T08:00:00Z/)
  expect(code).toBe(0)
  expect(await exportsOf(dir, 'parts')).toEqual(await exportsOf(dir, 'history'))

  const two = [files[0]!, files[1]!]
  expect((await here(['backfill', ...two, '--run', 'two', '--data-dir', dir])).code).toBe(0)
  const grown = await here(['backfill', ...files, '--run', 'two', '--data-dir', dir])
  expect(grown.stderr).toMatch(/begins at 2026-01-05T.*Backfill all of it into a new run/)
  expect(grown.code).toBe(2)
})

test('--from and --to take a part of it', async () => {
  const { code } = await backfill(
    '--run',
    'part',
    '--from',
    '2026-01-05T02:00:00Z',
    '--to',
    '2026-01-05T04:00:00Z',
  )
  expect(code).toBe(0)
  const stdout = await countsOf('part', { resolution: '3600' })
  const hours = new Set(
    stdout
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.split(',')[1]),
  )
  expect([...hours].sort()).toEqual(['2026-01-05T02:00:00Z', '2026-01-05T03:00:00Z'])
  const counted = countByHour(ARCHIVE)
  expect(stdout).toContain(
    `casts:*,2026-01-05T03:00:00Z,3600,${counted.get('casts:*,2026-01-05T03:00:00Z')},0,1`,
  )
})

describe('a line that can not be read', () => {
  test('is kept with its bytes, marks its time as a gap, and the rest is processed', async () => {
    const lines = gunzipSync(readFileSync(ARCHIVE)).toString().trim().split('\n')
    lines[500] = '{"data":{"type":"MESSAGE_TYPE_CAST_ADD","fid":"nobody"'
    const file = join(dir, 'broken.ndjson.gz')
    writeFileSync(file, gzipSync(lines.join('\n')))
    const { code, stderr } = await here(['backfill', file, '--run', 'broken', '--data-dir', dir])
    expect(code).toBe(0)
    expect(stderr).toMatch(/done, 1085 messages .* One line was unreadable/)
    const letters = JSON.parse(
      (await here(['dead-letters', 'list', '--run', 'broken', '--json', '--data-dir', dir])).stdout,
    )
    expect(letters).toHaveLength(1)
    expect(letters[0].source).toBe(`${file}:501`)
    const show = ['dead-letters', 'show', letters[0].source, '--run', 'broken', '--data-dir', dir]
    expect((await here(show)).stdout).toContain(`value: ${lines[500]}`)
    const gaps = await here(['gaps', '--run', 'broken', '--data-dir', dir])
    expect(gaps.stdout).toMatch(/unreadable: .*:501/)
  })
})

test('a clock that is not believed is told of, whatever part is read, and may be believed', async () => {
  const lines = gunzipSync(readFileSync(ARCHIVE)).toString().trim().split('\n')
  const late = JSON.parse(lines[0]!)
  late.data.timestamp += 10 * 86_400
  late.hash = `0x${'ab'.repeat(20)}`
  const file = join(dir, 'silence.ndjson')
  writeFileSync(file, [...lines, JSON.stringify(late)].join('\n'))
  const filled = (run: string, ...args: string[]) =>
    here(['backfill', file, '--run', run, '--data-dir', dir, ...args])

  const part = await filled('silence', '--to', '2026-01-05T00:10:00Z')
  expect(part.stderr).toMatch(
    /done, .* One message was left out for a clock that is not believed: .*--believe-clocks\.\n$/,
  )
  expect(part.code).toBe(0)
  const whole = await filled('silence-believed', '--believe-clocks')
  expect(whole.stderr).toMatch(/done, 1087 messages up to 2026-01-15T00:05:00Z\.\n$/)
  expect(whole.code).toBe(0)
  const other = await filled('silence-believed')
  expect(other.stderr).toMatch(/was begun with silence.ndjson --believe-clocks\./)
  expect(other.code).toBe(2)
})

test('of an archive with nothing that is counted, it is said what is in it', async () => {
  const [line] = gunzipSync(readFileSync(ARCHIVE)).toString().split('\n')
  const links = join(dir, 'links.ndjson')
  for (const [content, words] of [
    [
      line!.replace('CAST_ADD', 'LINK_ADD'),
      /None of 2 lines is a cast, .*: 2 are messages of other types, such as links/,
    ],
    [line!.replace(/("timestamp":)\d+/, '$14000000000'), /2 are signed ahead of this machine's clock/],
  ] as const) {
    writeFileSync(links, `${content}\n\n`.repeat(2))
    const { code, stderr } = await here(['backfill', links, '--run', 'links', '--data-dir', dir])
    expect(stderr).toMatch(words)
    expect(code).toBe(2)
  }
})

test('a file that is no archive is refused', async () => {
  const text = join(dir, 'README.md')
  writeFileSync(text, '# Not an archive\n\nat all\n')
  const { code, stderr } = await here(['backfill', text, '--run', 'text', '--data-dir', dir])
  expect(stderr).toMatch(/None of 2 lines is a message as hubs write them/)
  expect(code).toBe(2)
})

test('an empty archive is none', async () => {
  const empty = join(dir, 'empty.ndjson')
  writeFileSync(empty, '')
  const { code, stderr } = await here(['backfill', empty, '--run', 'empty', '--data-dir', dir])
  expect(stderr).toMatch(/There is no line in it: the archive is empty/)
  expect(code).toBe(2)
})

test('the exit code tells of one of which much was unreadable', async () => {
  const [line] = gunzipSync(readFileSync(ARCHIVE)).toString().split('\n')
  const file = join(dir, 'noise.ndjson')
  writeFileSync(file, [line, ...Array.from({ length: 145 }, () => '{"data":{}}')].join('\n'))
  const { code, stderr } = await here(['backfill', file, '--run', 'noise', '--data-dir', dir])
  expect(stderr).toMatch(/done, 1 messages .* 145 lines were unreadable/)
  expect(code).toBe(1)
})

test('a name that is mistyped does not pass for one of which there is nothing', async () => {
  const base = ['--run', 'history', '--data-dir', dir]
  for (const what of ['counts', 'signals', 'alerts']) {
    const { code, stdout, stderr } = await here(['export', what, '--channel', 'nowhere', ...base])
    expect(stderr).toMatch(/No channel "nowhere" in run "history"/)
    expect([code, stdout]).toEqual([2, ''])
  }
  const { code, stderr } = await here(['export', 'counts', '--series', 'casts:nowhere', ...base])
  expect([code, stderr]).toEqual([2, expect.stringMatching(/no such series/)])
})

test('each export shows what it takes, and nothing else', async () => {
  const { stdout } = await here(['export', 'alerts', '--help'])
  expect(stdout).toMatch(/--channel <url>/)
  expect(stdout).not.toMatch(/--fill|--resolution/)
  expect((await here(['export', 'counts', '--help'])).stdout).toMatch(/--resolution[\s\S]*--fill/)
})

test('a run goes on only with the archives it was begun with', async () => {
  const other = join(dir, 'other.ndjson')
  writeFileSync(other, '')
  const { code, stderr } = await here(['backfill', other, '--run', 'history', '--data-dir', dir])
  expect(stderr).toMatch(/Run "history" was begun with casts.hub.ndjson.gz\. Go on with that/)
  expect(code).toBe(2)
})

test('runs are listed and deleted', async () => {
  expect((await here(['runs', 'list', '--data-dir', dir])).stdout).toMatch(/^part\s/m)
  expect((await here(['runs', 'delete', 'part', '--data-dir', dir])).code).toBe(0)
  expect((await here(['runs', 'list', '--data-dir', dir])).stdout).not.toMatch(/^part\s/m)
  expect(await here(['runs', 'delete', 'part', '--data-dir', dir])).toMatchObject({ code: 2 })
})
