import { describe, expect, test } from 'vitest'
import { BASE, floorTo, HOUR, LATENESS, MINUTE, SECOND } from '../../../common/time.ts'
import { createRandom } from '../../../models/random.ts'
import type { Message } from '../../../schemas/message.ts'
import { type Activity, NETWORK } from '../../../schemas/records.ts'
import { cast, hash, type MemoryLog } from '../fixtures.ts'
import { parseFollow } from './follow.ts'
import { idOf } from './memory.ts'
import {
  broken,
  distinct,
  END,
  history,
  items,
  LIVE,
  newLog,
  rebuilt,
  recordsOf,
  START,
  spans,
  urls,
} from './network.fixture.ts'
import { LIST_PAGES } from './poll.ts'
import { failing, type More, polls } from './polls.fixture.ts'
import type { Answer } from './port.ts'

const URL = 'https://example.org/c'

test('all that it says is covered was in the log by then, and all is covered', async () => {
  const log = newLog()
  await polls(log)
  const { checked, missing } = broken(log)
  expect(missing).toEqual([])
  expect(checked).toBeGreaterThan(350)
  for (const url of urls) {
    expect(spans(log, url, 'posts')).toEqual([
      { status: 'covered', from: LIVE - 25 * HOUR, to: floorTo(END, BASE) - LATENESS },
    ])
    const [gap, covered] = spans(log, url, 'replies')
    expect(gap).toEqual({ status: 'gap', from: LIVE - LATENESS - SECOND, to: LIVE - LATENESS })
    expect(covered!.status).toBe('covered')
    expect(END - covered!.to).toBeLessThanOrEqual(HOUR + 2 * LATENESS)
  }
})

test('after a whole source it goes on where that ended, and what that left is watched', async () => {
  const log = newLog()
  await history(log)
  const { rounds } = await polls(log)
  expect(rounds[0]).toBe(LIVE)
  const { checked, missing } = broken(log)
  expect(missing).toEqual([])
  expect(checked).toBeGreaterThan(350)
  for (const url of urls) {
    expect(spans(log, url, 'posts')[0]).toMatchObject({ status: 'covered', from: LIVE })
    expect(spans(log, url, 'replies')[0]).toMatchObject({ status: 'covered', from: LIVE })
  }
})

describe('with failures', () => {
  const run = async (seed: string, rate: number, period: number) => {
    const log = newLog()
    await history(log)
    let now = LIVE
    const fails = failing(rate, seed)
    await polls(log, {
      fake: { before: (question) => fails(() => now, period)(question) },
      onRound: ({ at }) => {
        now = at + 5 * MINUTE
      },
    })
    for (const url of urls) for (const m of ['posts', 'replies', 'reactions'] as const) spans(log, url, m)
    return broken(log)
  }

  test.each([0.02, 0.3, 0.8])('of a share of %f, nothing is missing where it says covered', async (rate) => {
    const { checked, missing } = await run('f', rate, 20 * MINUTE)
    expect(missing).toEqual([])
    if (rate < 0.5) expect(checked).toBeGreaterThan(100)
  })

  test('for hours, of one thing and another', async () => {
    let total = 0
    for (let seed = 0; seed < 12; seed++) {
      const { checked, missing } = await run(`outage ${seed}`, 0.25, (1 + (seed % 4)) * HOUR)
      expect(missing, `seed ${seed}`).toEqual([])
      total += checked
    }
    expect(total).toBeGreaterThan(500)
  })
})

test('killed at any append and begun again, the log tells the same', async () => {
  const undisturbed = newLog()
  await history(undisturbed)
  const before = failing(0.05, 'k')
  const until = LIVE + 3 * HOUR
  const run = async (log: MemoryLog) => {
    let now = LIVE
    // The server's faults depend on the simulated time alone.
    // By URL: the list is asked for at every start, and counted.
    const options: More = {
      until,
      follow: parseFollow(urls.join(), 0),
      fake: { before: (q) => before(() => now, MINUTE)(q) },
    }
    const memory = await rebuilt(log)
    now = memory.mark!.next
    await polls(log, {
      ...options,
      onRound: ({ at }) => {
        now = at + 5 * MINUTE
      },
    })
  }
  await run(undisturbed)

  const random = createRandom('deaths')
  const log = newLog()
  await history(log)
  let deaths = 0
  for (let left = random.int(8); ; ) {
    const kept = [random.int(20), random.int(20)]
    log.onAppend = () =>
      left-- > 0 ? undefined : { error: new Error('killed'), keep: (partition) => kept[partition]! }
    const death = await run(log).then(
      () => null,
      (error: Error) => error.message,
    )
    if (death === null) break
    expect(death).toBe('killed')
    deaths++
    left = random.int(12)
  }
  expect(deaths).toBeGreaterThan(5)
  expect(distinct(log)).toEqual(distinct(undisturbed))
  expect(await rebuilt(log)).toEqual(await rebuilt(undisturbed))
})

test('a budget that is too small is kept, and coverage waits', async () => {
  const log = newLog()
  await history(log)
  await polls(log, { budget: LIST_PAGES + 12 })
  const { checked, missing } = broken(log)
  expect(missing).toEqual([])
  expect(checked).toBeGreaterThan(20)
  const polled = recordsOf(log, 'Polled').filter(({ key }) => key === NETWORK)
  expect(polled.some(({ record }) => record.error?.includes('budget'))).toBe(true)
  for (const url of urls)
    expect(spans(log, url, 'posts').every(({ status }) => status === 'covered')).toBe(true)
})

test('what all channels have spoken of follows without a hole', async () => {
  const log = newLog(1)
  await history(log)
  await polls(log)
  for (const m of ['posts', 'replies', 'reactions'] as const) {
    const decided = recordsOf(log, 'Coverage').filter(
      ({ record }) => record.status === 'decided' && record.measures.includes(m),
    )
    expect(decided.length).toBeGreaterThan(5)
    expect(decided[0]!.record.from).toBe(LIVE)
    for (const [i, { record }] of decided.entries())
      if (i > 0) expect(record.from).toBe(decided[i - 1]!.record.to)
  }
})

test('pages that do not reach back leave a gap, and no more is said than they show', async () => {
  const log = newLog()
  await history(log)
  await polls(log, { interval: 100 * MINUTE, fake: { pageSize: 2, widest: 6 } })
  expect(broken(log).missing.filter((what) => what.startsWith('posts'))).toEqual([])
  const all = urls.flatMap((url) => spans(log, url, 'posts'))
  expect(new Set(all.map(({ status }) => status))).toEqual(new Set(['covered', 'gap']))
})

test('small pages are followed to their end', async () => {
  const log = newLog()
  await history(log)
  await polls(log, { interval: HOUR, fake: { pageSize: 1 } })
  const { checked, missing } = broken(log)
  expect(missing).toEqual([])
  expect(checked).toBeGreaterThan(200)
})

describe('a server that counts reactions', () => {
  const counts = (log: MemoryLog) =>
    recordsOf(log, 'ReactionCount').map(
      ({ record }) => record as Extract<Activity, { type: 'ReactionCount' }>,
    )

  test('gives counts whose rises add up, and no reactions', async () => {
    const log = newLog()
    await polls(log, { fake: { counts: true } })
    expect(recordsOf(log, 'Reaction')).toEqual([])
    const byCast = Map.groupBy(counts(log), ({ kind, target }) => `${kind} ${idOf(target.hash)}`)
    expect(byCast.size).toBeGreaterThan(50)
    for (const observed of byCast.values()) {
      const [first, ...others] = observed
      const rises = others.reduce((sum, { rise }) => sum + rise, 0)
      expect(first!.count + rises).toBe(observed.at(-1)!.count)
      expect([0, first!.count]).toContain(first!.rise)
      expect(others.every(({ rise }) => rise > 0)).toBe(true)
    }
    for (const url of urls) expect(spans(log, url, 'reactions').at(-1)!.status).toBe('covered')
  })

  test('says nothing of a channel in which a count is as high as it goes', async () => {
    const post = { ...cast(1, LIVE, URL), fid: 5 }
    const likes = Array.from(
      { length: 60 },
      (_, n): Message => ({
        ...{ type: 'reaction', kind: 'like', hash: hash(100 + n), fid: 9, target: { fid: 5, hash: hash(1) } },
        time: LIVE + 21 * MINUTE + n * SECOND,
      }),
    )
    const log = newLog()
    await polls(log, { fake: { messages: [post, ...likes], counts: true }, until: LIVE + 4 * HOUR })
    const [first, last] = [counts(log)[0]!, counts(log).findLast(({ kind }) => kind === 'like')!]
    expect(first).toMatchObject({ count: 0, rise: 0, saturated: false, clock: 'observed' })
    expect(last).toMatchObject({ count: 50, rise: 50, saturated: true })
    expect(spans(log, URL, 'reactions').map(({ status }) => status)).toEqual(['gap', 'covered', 'gap'])
    expect(spans(log, URL, 'replies').map(({ status }) => status)).toEqual(['gap', 'covered'])
  })
})

describe('who is followed', () => {
  const [left, ...stay] = urls as [string, ...string[]]
  const gaps = (log: MemoryLog) => spans(log, left, 'posts').filter(({ status }) => status === 'gap')

  test('may change: what is left is a gap for a day, without polls; followed again, it is read back', async () => {
    const log = newLog()
    await history(log)
    await polls(log, { until: LIVE + HOUR })
    const { asked } = await polls(log, { follow: parseFollow(stay.join(), 0), until: LIVE + 3 * HOUR })
    expect(asked.filter((question) => question.includes(left))).toEqual([])
    expect(gaps(log)).toEqual([
      { status: 'gap', from: LIVE + HOUR - LATENESS, to: LIVE + 3 * HOUR - LATENESS },
    ])
    await polls(log)
    expect(broken(log).missing).toEqual([])
    expect(spans(log, left, 'posts').at(-1)).toEqual({
      ...{ status: 'covered', from: LIVE + 3 * HOUR - LATENESS, to: END - LATENESS },
    })
  })

  test('is not known before the list of channels is there: nobody is left by that', async () => {
    const log = newLog()
    await history(log)
    let lists = 0
    const fails = { outcome: 'failed', why: 'no', retryAfter: 0, seconds: 0 } as const
    const before = (question: string) => (question === 'channels' && lists++ < 6 ? fails : undefined)
    await polls(log, { fake: { before }, until: LIVE + 2 * HOUR })
    for (const url of urls)
      expect(spans(log, url, 'posts')).toMatchObject([{ status: 'covered', from: LIVE }])
  })

  test('is not forgotten when the list of channels fails', async () => {
    const log = newLog()
    await history(log)
    await polls(log, { until: LIVE + HOUR })
    const fails = { outcome: 'failed', why: 'no', retryAfter: 0, seconds: 0 } as const
    const before = (question: string) => (question === 'channels' ? fails : undefined)
    await polls(log, { until: LIVE + 2 * HOUR, fake: { before } })
    for (const url of urls) expect(spans(log, url, 'posts')).toHaveLength(1)
  })
})

test('once a day it looks for what came too late', async () => {
  const midnight = START + 24 * HOUR
  const late = cast(7, midnight - 2 * HOUR, URL)
  const log = newLog(1)
  await polls(log, {
    ...{ start: midnight - 3 * HOUR, until: midnight + 10 * MINUTE },
    fake: {
      messages: [cast(1, midnight - 3 * HOUR, URL), late],
      delay: (m) => (m === late ? 30 * MINUTE : 0),
    },
  })
  const all = items(log).flat()
  const at = (match: (record: Activity) => boolean) => all.findIndex(({ record }) => match(record))
  const published = at((r) => r.type === 'Cast' && r.hash.equals(hash(7)))
  expect(published).toBeGreaterThan(at((r) => r.type === 'Polled' && r.at === midnight - 5 * MINUTE))
  expect(published).toBeLessThan(at((r) => r.type === 'Polled' && r.at === midnight))
})

test('what a slow hub took, and what it asks to wait, is waited for', async () => {
  const log = newLog()
  const answers: Answer<never>[] = [
    { outcome: 'failed', why: 'too many requests', retryAfter: 700, seconds: 0 },
    { outcome: 'failed', why: 'slow', retryAfter: 0, seconds: 310 },
  ]
  const { rounds } = await polls(log, {
    ...{ until: LIVE + HOUR, follow: parseFollow(URL, 0) },
    fake: { messages: [], before: () => answers.shift() },
  })
  expect(rounds.slice(0, 4).map((at) => (at - LIVE) / MINUTE)).toEqual([0, 15, 25, 30])
})

test('likes counted in a round that was cut off are not counted again by another clock', async () => {
  const likes = Array.from(
    { length: 5 },
    (_, n): Message => ({
      ...{ type: 'reaction', kind: 'like', hash: hash(100 + n), fid: 9, target: { fid: 1, hash: hash(1) } },
      time: LIVE + 6 * MINUTE,
    }),
  )
  const options = {
    follow: parseFollow(URL, 0),
    fake: { messages: [cast(1, LIVE, URL), ...likes], counts: true },
  }
  const log = newLog(1)
  await polls(log, { ...options, until: LIVE + 5 * MINUTE })
  log.onAppend = (records) =>
    records.some(({ key }) => key === NETWORK) ? { error: new Error('killed'), keep: () => 0 } : undefined
  await expect(polls(log, { ...options, until: LIVE + 10 * MINUTE })).rejects.toThrow('killed')
  log.onAppend = () => undefined
  await polls(log, { ...options, interval: 7 * MINUTE, until: LIVE + HOUR })
  const rises = recordsOf(log, 'ReactionCount').map(({ record }) => record.rise)
  expect(rises.reduce((sum, rise) => sum + rise, 0)).toBe(5)
})
