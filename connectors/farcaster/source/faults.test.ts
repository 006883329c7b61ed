import { describe, expect, test } from 'vitest'
import { HOUR, iso, LATENESS, MINUTE } from '../../../common/time.ts'
import { type MemoryLog, temporaryFiles } from '../fixtures.ts'
import { toHubJson } from '../hub-json.ts'
import { archiveData } from '../hub-simulator/archived.ts'
import { drivenClock } from '../hub-simulator/clock.ts'
import { parseFault } from '../hub-simulator/faults.ts'
import { createHub } from '../hub-simulator/hub.ts'
import { serveMcp } from '../mcp-server/http-server.ts'
import { farcasterMcp } from '../mcp-server/server.ts'
import { simulatedClock } from './clock.ts'
import { parseFollow } from './follow.ts'
import { openServer } from './mcp/open-server.ts'
import { broken, history, LIVE, messages, newLog, pollInto, spans, urls } from './network.fixture.ts'

const file = temporaryFiles().file(
  messages.map((message) => `${JSON.stringify(toHubJson(message))}\n`).join(''),
)

const UNTIL = LIVE + 4 * HOUR
const SOON = LIVE + 2 * HOUR
const [struck, ...others] = urls as [string, ...string[]]

/** Polls the network through hub and server, after six hours of history; `every` minutes apart. */
async function polled(faults: string[], { every = 5, until = UNTIL } = {}): Promise<MemoryLog> {
  const log = newLog()
  await history(log)

  const driven = drivenClock()
  const { data } = await archiveData([file])
  const hub = await createHub({ data, clock: driven, faults: faults.map(parseFault) })
  const mcp = farcasterMcp({ hub: hub.url, timeout: 10, version: '1' })
  const serving = await serveMcp(mcp, { port: 0 })
  const server = await openServer({ url: serving.url })
  const { signal } = new AbortController()
  const clock = simulatedClock({
    ...{ start: LIVE, speed: Number.POSITIVE_INFINITY, signal },
    drive: async (time) => {
      if (driven.driven) driven.set(time)
    },
  })
  try {
    await pollInto(log, {
      ...{ server, clock },
      ...{ follow: parseFollow(urls.join(), 0), interval: every * MINUTE, budget: 5000, until },
    })
  } finally {
    await server.close()
    await serving.close()
    mcp.close()
    await hub.close()
  }
  return log
}

const gapsOf = (log: MemoryLog, channel: string) =>
  (['posts', 'replies', 'reactions'] as const).flatMap((m) =>
    spans(log, channel, m).filter(({ status }) => status === 'gap'),
  )
const coveredTo = (log: MemoryLog, channel: string) => spans(log, channel, 'posts').at(-1)!.to

describe.each([
  ['slow', 'slow,rate=0.2,seconds=60'],
  ['hang', 'hang,rate=0.02'],
  ['429', '429,rate=0.1,seconds=400'],
  ['500', '500,rate=0.1'],
  ['cut', 'cut,rate=0.05'],
  ['garbage', 'garbage,rate=0.1'],
  ['dangling', 'dangling'],
])('a hub that is %s', (_, spec) => {
  test('now and then: nothing is missing where it says covered, and it goes on', async () => {
    const log = await polled([spec], { until: SOON })
    const { checked, missing } = broken(log)
    expect(missing).toEqual([])
    expect(checked).toBeGreaterThan(10)
    for (const url of urls) expect(SOON - coveredTo(log, url)).toBeLessThanOrEqual(HOUR)
  })
})

test('an hour without answers about one channel: no gap, late but whole; others notice nothing', async () => {
  const window = `from=${iso(LIVE + HOUR)},to=${iso(LIVE + 2 * HOUR)}`
  const log = await polled([`500,match=${struck},${window}`])
  expect(broken(log).missing).toEqual([])
  for (const url of urls) {
    expect(gapsOf(log, url)).toEqual([])
    expect(coveredTo(log, url)).toBe(UNTIL - LATENESS)
  }
})

test('three hours: a gap from where it was seen last until two hours before it came back', async () => {
  const down = { from: LIVE + 30 * MINUTE, to: LIVE + 210 * MINUTE }
  const log = await polled([`500,match=${struck},from=${iso(down.from)},to=${iso(down.to)}`])
  expect(broken(log).missing).toEqual([])
  expect(spans(log, struck, 'posts').filter(({ status }) => status === 'gap')).toEqual([
    { status: 'gap', from: down.from - 2 * LATENESS, to: down.to - 2 * HOUR - 2 * LATENESS },
  ])
  expect(coveredTo(log, struck)).toBe(UNTIL - LATENESS)
  for (const url of others) expect(gapsOf(log, url)).toEqual([])
})

test('polled too seldom: late, and whole', async () => {
  const log = await polled([], { every: 80 })
  const { checked, missing } = broken(log)
  expect(missing).toEqual([])
  expect(checked).toBeGreaterThan(50)
  for (const url of urls) expect(gapsOf(log, url)).toEqual([])
})
