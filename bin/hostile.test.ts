/** What strangers wrote, and records as large as may be, on their way through the parts and out at a terminal. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { readConfig } from '../app/config.ts'
import { type Engines, openEngines } from '../app/engines.ts'
import { startRoles } from '../app/roles/start.ts'
import { type Served, serve } from '../app/serve.ts'
import { dataDir } from '../app/testing.ts'
import { BASE, MINUTE } from '../common/time.ts'
import { openArchive } from '../connectors/farcaster/archive/archive.ts'
import { wholeSource } from '../connectors/farcaster/whole.ts'
import { publish } from '../connectors/sources/publish.ts'
import { topicOf } from '../pipeline/topology.ts'
import type { Coverage, Polled } from '../schemas/records.ts'
import { deadLetters } from './commands/dead-letters.ts'
import { exportRows } from './commands/export.ts'
import { gaps } from './commands/gaps.ts'
import { lag } from './commands/lag.ts'
import { requests } from './commands/requests.ts'
import { runs } from './commands/runs.ts'

const { dir, remove } = dataDir()
let engines: Engines
let served: Served
beforeAll(async () => {
  engines = await openEngines(readConfig({ dataDir: dir, port: 0 }, { FCM_LOG_LEVEL: 'silent' }))
  served = await serve(engines)
}, 60_000)
afterAll(async () => {
  await served.close()
  await engines.close()
  remove()
})

/** What a command prints; it asks the process that serves, which is this one. */
async function printed(...args: string[]): Promise<string> {
  const program = new Command('fcm').exitOverride()
  for (const command of [deadLetters, exportRows, gaps, lag, requests, runs]) command(program)
  let text = ''
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((chunk, ...rest) => {
    text += chunk
    for (const done of rest) if (typeof done === 'function') done()
    return true
  })
  try {
    await program.parseAsync(['node', 'fcm', ...args, '--data-dir', dir])
  } finally {
    // `lag` says by it how things are.
    process.exitCode = undefined
    write.mockRestore()
  }
  return text
}

async function processed(run: string): Promise<void> {
  const roles = await startRoles(engines, run, ['count', 'sum', 'store'])
  try {
    await roles.caughtUp(() => {}, AbortSignal.timeout(30_000))
  } finally {
    await roles.stop()
  }
}

const START = Date.UTC(2026, 0, 5)
const line = (n: number, body: object): string =>
  JSON.stringify({
    data: {
      type: 'MESSAGE_TYPE_CAST_ADD',
      fid: 1,
      timestamp: (START - 1609459200000) / 1000 + n,
      castAddBody: { text: '', ...body },
    },
    hash: `0x${n.toString(16).padStart(8, '0').padEnd(40, '0')}`,
  })
const publishFile = async (run: string, file: string) =>
  publish({
    ...{ log: engines.log, codec: engines.codec, run },
    open: wholeSource({ input: (await openArchive([file], { dir: join(dir, 'tmp') })).items() }),
  })

describe('strangers’ text', () => {
  const RUN = 'hostile'
  const CHANNELS = [
    '=HYPERLINK("http://evil","x")',
    '@SUM(1+1)*cmd|x',
    '-2+3',
    'a,b"c""d',
    'https://x/\u202egpj.exe',
    'https://x/\u2066\u200f\u2028two\u2029lines',
    'https://x/\u{1f600}\ufffd',
    ' spaces  around ',
    '<script>alert(1)</script>',
    `https://x/${'long'.repeat(250)}`,
    '__proto__',
    '%00%0a../../etc',
  ]
  const ESCAPES = ['\u001b[2J\u001b]0;owned\u0007', 'a\nb', 'tab\there', '\u009b31m', '\0']
  const REASON = `the hub said \u001b[31m"no"\n\r\u202e${'x'.repeat(5000)}`

  beforeAll(async () => {
    await engines.openRun(RUN)
    const file = join(dir, 'hostile.ndjson')
    const names = [...CHANNELS, ...ESCAPES]
    const lines = names.flatMap((parentUrl, i) =>
      [0, 1, 2].map((n) => line(i * 10 + n, { parentUrl, text: parentUrl })),
    )
    writeFileSync(file, [...lines, line(3000, {})].join('\n'))
    await publishFile(RUN, file)
    const topic = topicOf(RUN, 'activity')
    const at = START + 60 * MINUTE
    const gap: Coverage = {
      ...{ type: 'Coverage', status: 'gap', measures: ['posts'], from: at, to: at + BASE, partitions: 2 },
      reason: REASON,
    }
    const polled: Polled = {
      ...{
        type: 'Polled',
        at,
        watched: ['posts'],
        complete: [],
        owed: [],
        requests: 3,
        failed: 3,
        next: null,
      },
      error: REASON,
    }
    for (const key of CHANNELS)
      await engines.log.append([
        { topic, key, value: engines.codec.encode(gap) },
        { topic, key, value: engines.codec.encode(polled) },
        // No record: buried with its key and its headers.
        { topic, key, value: Buffer.from('\u001b[31mnoise\n'), headers: { 'x\u001b[1m': `a\nb${key}` } },
      ])
    await processed(RUN)
  }, 60_000)

  const lines = (text: string): string[] => text.trimEnd().split('\n')
  /** Nothing but visible characters and line ends, all in one direction. */
  const expectPlain = (text: string): void => {
    expect(text).not.toMatch(/[^\P{Cc}\n]|[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029]/u)
    expect(text.isWellFormed()).toBe(true)
  }

  test('in tables it stays on its line, and drives no terminal', async () => {
    const tables = {
      gaps: await printed('gaps', '--run', RUN),
      all: await printed('gaps', '--run', RUN, '--all'),
      requests: await printed('requests', '--run', RUN),
      lag: await printed('lag', '--run', RUN),
      letters: await printed('dead-letters', 'list', '--run', RUN),
      runs: await printed('runs', 'list'),
    }
    for (const text of Object.values(tables)) expectPlain(text)
    expect(lines(tables.all).filter((row) => row.includes('the hub said')).length).toBeGreaterThanOrEqual(
      CHANNELS.length,
    )
    expect(tables.requests).toContain('=HYPERLINK("http://evil","x")')
    expect(lines(tables.letters)).toHaveLength(1 + CHANNELS.length)
  })

  test('of a dead letter all is shown, each part on its line', async () => {
    const letters = JSON.parse(await printed('dead-letters', 'list', '--run', RUN, '--json'))
    const letter = letters.find(({ key }: { key: string }) => key === CHANNELS[5])
    expect(letter).toMatchObject({ bytes: 11, headers: { 'x\u001b[1m': `a\nb${CHANNELS[5]}` } })
    const text = await printed('dead-letters', 'show', letter.source, '--run', RUN)
    expectPlain(text)
    expect(lines(text).map((row) => row.split(':')[0])).toEqual([
      ...['source', 'reason', 'key', 'schemaId', 'bytes', 'headers', 'value'],
    ])
    expect(text).toMatch(/^value: noise$/m)
  })

  test('in JSON and CSV it is as it was, and in its own field', async () => {
    const rows = JSON.parse(await printed('gaps', '--run', RUN, '--json')) as {
      channel: string
      reason: string
    }[]
    expect(new Set(rows.map(({ channel }) => channel))).toEqual(new Set(CHANNELS))
    const csv = parseCsv(await printed('export', 'counts', '--run', RUN))
    expect(csv[0]).toEqual(['series', 'start', 'seconds', 'count', 'late', 'covered'])
    for (const row of csv) expect(row).toHaveLength(6)
    const posts = csv.filter(([series]) => series?.startsWith('posts:')).map(([series]) => series!.slice(6))
    // What can't be a line of a report is no channel: those casts are in none.
    expect(new Set(posts)).toEqual(new Set([...CHANNELS, '\uFFFD', '_', '*']))
    const ndjson = lines(await printed('export', 'counts', '--run', RUN, '--format', 'ndjson'))
    expect(ndjson.map((row) => JSON.parse(row).series)).toEqual(csv.slice(1).map(([series]) => series))
  })
})

/** RFC 4180, by its letter. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = []
  let row: string[] = []
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\n]*))(,|\n)/g)) {
    row.push(quoted?.replaceAll('""', '"') ?? plain!)
    if (end !== '\n') continue
    rows.push(row)
    row = []
  }
  return rows
}

describe('records of 5 MB', () => {
  const RUN = 'large'
  const LARGE = 5 << 20
  const LETTER = Buffer.concat([Buffer.from([0, 0, 0, 0, 1]), Buffer.alloc(LARGE, 0xff)])

  test('go through, and what can not be read is buried whole, listed short and sent again', async () => {
    await engines.openRun(RUN)
    const file = join(dir, 'large.ndjson')
    const text = 'é\u{1f600}'.repeat(LARGE / 6)
    const noise = `{"data": ${'"'.repeat(LARGE)}`
    writeFileSync(file, [line(0, { text }), line(1, { text: 'gm' }), noise, line(900, {})].join('\n'))
    const before = process.memoryUsage().rss
    expect(await publishFile(RUN, file)).toEqual({ finished: true })
    const topic = topicOf(RUN, 'activity')
    await engines.log.append([{ topic, key: 'x', value: LETTER, headers: { kept: 'yes' } }])
    await processed(RUN)

    const counts = await printed('export', 'counts', '--run', RUN, '--series', 'posts:_')
    expect(counts).toMatch(/posts:_,2026-01-05T00:00:00Z,300,2,0,/)
    const list = await printed('dead-letters', 'list', '--run', RUN)
    expect(list.trimEnd().split('\n')).toHaveLength(3)
    expect(list.length).toBeLessThan(2000)
    const letters: { source: string; bytes: number }[] = JSON.parse(
      await printed('dead-letters', 'list', '--run', RUN, '--json'),
    )
    expect(letters.map(({ bytes }) => bytes).sort()).toEqual([LETTER.length, noise.length].sort())
    const { source } = letters.find(({ bytes }) => bytes === LETTER.length)!

    // Nothing is sent before all that were named are known.
    await expect(
      printed('dead-letters', 'redrive', source, `${topic}/0/999`, '--run', RUN),
    ).rejects.toMatchObject({
      code: 'ASKED_WRONGLY',
      exit: 2,
    })
    const [, partition, offset] = source.split('/').map(Number)
    const tp = { topic, partition: partition! }
    const next = async () => (await engines.log.ends(topic))[partition!]!.next
    const end = await next()
    expect(end).toBe(offset! + 1)
    expect(await printed('dead-letters', 'redrive', source, '--run', RUN)).toBe('1 sent again.\n')
    expect(await next()).toBe(end + 1)
    for await (const { key, value, headers } of engines.log.read(tp, end)) {
      expect({ key, headers }).toEqual({ key: 'x', headers: { kept: 'yes' } })
      expect(LETTER.equals(value!)).toBe(true)
    }
    // Some copies of what is under way, not of all that is read and written again.
    expect(process.memoryUsage().rss - before).toBeLessThan(600 << 20)
  })
})

test('no log of ours holds what strangers wrote', () => {
  const log = join(dir, 'fcm.log')
  if (existsSync(log)) expect(readFileSync(log, 'utf8')).not.toMatch(/evil|noise/)
})
