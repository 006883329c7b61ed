/** What strangers wrote, on its way through the parts and out at a terminal. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openServing } from './served.fixture.ts'
import { CHANNELS, RUN, writeStrangers } from './strangers.fixture.ts'

const it = await openServing()
afterAll(it.close)

describe('strangers’ text', () => {
  beforeAll(() => writeStrangers(it), 60_000)

  test('in tables it stays on its line, and drives no terminal', async () => {
    const tables = {
      gaps: await it.printed('gaps', '--run', RUN),
      all: await it.printed('gaps', '--run', RUN, '--all'),
      requests: await it.printed('requests', '--run', RUN),
      lag: await it.printed('lag', '--run', RUN),
      letters: await it.printed('dead-letters', 'list', '--run', RUN),
      runs: await it.printed('runs', 'list'),
    }
    for (const text of Object.values(tables)) expectPlain(text)
    expect(lines(tables.all).filter((row) => row.includes('the hub said')).length).toBeGreaterThanOrEqual(
      CHANNELS.length,
    )
    expect(tables.requests).toContain('=HYPERLINK("http://evil","x")')
    expect(lines(tables.letters)).toHaveLength(1 + CHANNELS.length)
  })

  test('of a dead letter all is shown, each part on its line', async () => {
    const letters = JSON.parse(await it.printed('dead-letters', 'list', '--run', RUN, '--json'))
    const letter = letters.find(({ key }: { key: string }) => key === CHANNELS[5])
    expect(letter).toMatchObject({ bytes: 11, headers: { 'x\u001b[1m': `a\nb${CHANNELS[5]}` } })
    const text = await it.printed('dead-letters', 'show', letter.source, '--run', RUN)
    expectPlain(text)
    expect(lines(text).map((row) => row.split(':')[0])).toEqual([
      ...['source', 'reason', 'key', 'schemaId', 'bytes', 'headers', 'value'],
    ])
    expect(text).toMatch(/^value: noise$/m)
  })

  test('in JSON and CSV it is as it was, and in its own field', async () => {
    const rows = JSON.parse(await it.printed('gaps', '--run', RUN, '--json')) as {
      channel: string
      reason: string
    }[]
    expect(new Set(rows.map(({ channel }) => channel))).toEqual(new Set(CHANNELS))
    const csv = parseCsv(await it.printed('export', 'counts', '--run', RUN))
    expect(csv[0]).toEqual(['series', 'start', 'seconds', 'count', 'late', 'covered'])
    for (const row of csv) expect(row).toHaveLength(6)
    const posts = csv.filter(([series]) => series?.startsWith('posts:')).map(([series]) => series!.slice(6))
    // What can't be a line of a report is no channel: those casts are in none.
    expect(new Set(posts)).toEqual(new Set([...CHANNELS, '\uFFFD', '_', '*']))
    const ndjson = lines(await it.printed('export', 'counts', '--run', RUN, '--format', 'ndjson'))
    expect(ndjson.map((row) => JSON.parse(row).series)).toEqual(csv.slice(1).map(([series]) => series))
  })
})

test('no log of ours holds what strangers wrote', () => {
  const log = join(it.dir, 'fcm.log')
  if (existsSync(log)) expect(readFileSync(log, 'utf8')).not.toMatch(/evil|noise/)
})

const lines = (text: string): string[] => text.trimEnd().split('\n')
/** Nothing but visible characters and line ends, all in one direction. */
const expectPlain = (text: string): void => {
  expect(text).not.toMatch(/[^\P{Cc}\n]|[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029]/u)
  expect(text.isWellFormed()).toBe(true)
}

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
