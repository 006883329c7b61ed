import { describe, expect, test } from 'vitest'
import { BASE, floorTo, HOUR, LATENESS, MINUTE, SECOND } from '../../../common/time.ts'
import { createRandom } from '../../../models/random.ts'
import type { Message } from '../../../schemas/message.ts'
import { type Activity, type Measure, NETWORK } from '../../../schemas/records.ts'
import { cast, hash, type MemoryLog } from '../fixtures.ts'
import { simulatedClock } from './clock.ts'
import { type Fake, fakeServer } from './fake-server.fixture.ts'
import { parseFollow } from './follow.ts'
import { idOf } from './memory.ts'
import {
  broken,
  distinct,
  END,
  history,
  items,
  LIVE,
  messages,
  newLog,
  pollInto,
  rebuilt,
  recordsOf,
  START,
  spans,
  urls,
} from './network.fixture.ts'
import { LIST_PAGES, type PollOptions } from './poll.ts'
import type { Answer } from './port.ts'

const URL = 'https://example.org/c'

type More = Partial<Omit<PollOptions, 'until'>> & {
  fake?: Partial<Fake>
  until?: number
  start?: number
}

/** Polls `messages` in simulated time from where the log ends, or from `start`. */
async function polls(log: MemoryLog, { fake, until = END, start = LIVE, ...more }: More = {}) {
  const abort = new AbortController()
  let now = start
  const server = fakeServer({ messages, now: () => now, ...fake })
  const clock = simulatedClock({
    start,
    speed: Number.POSITIVE_INFINITY,
    drive: async (time) => {
      now = time
    },
    signal: abort.signal,
  })
  const rounds: number[] = []
  const { finished } = await pollInto(log, {
    ...{ server, clock, until },
    follow: parseFollow('*', 0),
    interval: 5 * MINUTE,
    budget: 10_000,
    onRound: ({ at, requests }) => {
      expect(requests).toBeLessThanOrEqual(more.budget ?? 10_000)
      rounds.push(at)
    },
    ...more,
  })
  expect(finished).toBe(true)
  return { asked: server.asked, rounds }
}

const failing =
  (rate: number, seed: string) =>
  (now: () => number, period = 20 * MINUTE) =>
  (question: string): Answer<never> | undefined =>
    createRandom(`${seed} ${question} ${floorTo(now(), period)}`).next() < rate
      ? { outcome: 'failed', why: 'it said 500', retryAfter: 0, seconds: 0 }
      : undefined

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

  test('for hours, of one thing and another', { timeout: 30_000 }, async () => {
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

describe('in one channel', () => {
  const post = (n: number, time: number) => cast(n, time, URL)
  const reply = (n: number, time: number, to: number) => cast(n, time, to)
  const only = { follow: parseFollow(URL, 0) }
  const T = LIVE
  /** Where each message stands, in hours after T: `covered`, `gap` or nothing, and `!` if it was not in the log by then. */
  function told(
    log: MemoryLog,
    measure: 'posts' | 'replies' | 'reactions',
    n: number,
    time: number,
  ): string[] {
    const all = items(log).flat()
    const at = all.findIndex(({ record }) => 'hash' in record && record.hash.equals(hash(n)))
    return all.flatMap(({ key, record }, i) =>
      key === URL && record.type === 'Coverage' && record.measures.includes(measure)
        ? record.from <= time && time < record.to
          ? [`${record.status}${at >= 0 && at < i ? '' : '!'}`]
          : []
        : [],
    )
  }
  const gapHours = (log: MemoryLog, measure: 'posts' | 'replies' | 'reactions') =>
    spans(log, URL, measure).reduce((sum, s) => sum + (s.status === 'gap' ? (s.to - s.from) / HOUR : 0), 0)

  test('days without the source are read back: posts, and what is under them', async () => {
    const back = T + 5 * 24 * HOUR
    const world = [post(1, T + HOUR), post(2, T + 10 * HOUR), reply(3, T + 11 * HOUR, 2)]
    const log = newLog(1)
    await polls(log, { ...only, fake: { messages: world }, until: T + 2 * HOUR })
    const late = { ...only, fake: { messages: world }, interval: 5 * 24 * HOUR, until: back + 24 * HOUR }
    await polls(log, late)
    expect(told(log, 'posts', 2, T + 10 * HOUR)).toEqual(['covered'])
    expect(told(log, 'replies', 3, T + 11 * HOUR)).toEqual(['covered'])
  })

  test('a whole source that ended long ago is none: it begins anew', async () => {
    const log = newLog(1)
    await history(log)
    const start = LIVE + 3 * 24 * HOUR
    await polls(log, {
      ...only,
      start,
      interval: 24 * HOUR,
      fake: { messages: [] },
      until: start + 24 * HOUR,
    })
    expect(spans(log, URL, 'posts')[0]!.from).toBeGreaterThan(LIVE + 24 * HOUR)
  })

  test('a server that gets, loses and gets again the tool for replies', async () => {
    const world = [
      post(1, T),
      reply(2, T + 90 * MINUTE, 1),
      reply(3, T + 5 * HOUR, 1),
      reply(4, T + 9 * HOUR, 1),
    ]
    const log = newLog(1)
    const without = { messages: world, measures: ['posts', 'reactions'] as Measure[] }
    await polls(log, { ...only, fake: without, until: T + HOUR })
    await polls(log, { ...only, fake: { messages: world }, until: T + 4 * HOUR })
    await polls(log, { ...only, fake: without, until: T + 7 * HOUR })
    await polls(log, { ...only, fake: { messages: world }, until: T + 12 * HOUR })
    expect(told(log, 'replies', 2, T + 90 * MINUTE)).toEqual(['covered'])
    expect(told(log, 'replies', 3, T + 5 * HOUR)).toEqual(['gap!'])
    expect(told(log, 'replies', 4, T + 9 * HOUR)).toEqual(['covered'])
  })

  test.each([
    ['post', 'posts', 4],
    ['reply', 'replies', 5],
  ] as const)(
    'an unreadable %s holds coverage back, and is given up at last',
    async (kind, measure, most) => {
      const time = T + 2 * HOUR
      const world = [
        post(1, T + HOUR),
        kind === 'post' ? post(2, time) : reply(2, time, 1),
        post(3, T + 9 * HOUR),
      ]
      const log = newLog(1)
      const unreadable = (m: Message) => m.hash.equals(hash(2))
      await polls(log, { ...only, fake: { messages: world, unreadable }, until: T + 30 * HOUR })
      expect(told(log, measure, 2, time)).toEqual(['gap!'])
      expect(gapHours(log, measure)).toBeGreaterThan(1)
      expect(gapHours(log, measure)).toBeLessThan(most)
      expect(told(log, 'posts', 3, T + 9 * HOUR)).toEqual(['covered'])
    },
  )

  test('what could not be read for an hour, and then can, is no gap', async () => {
    let now = T
    const world = [post(1, T + HOUR), reply(2, T + 65 * MINUTE, 1)]
    const unreadable = () => now >= T + HOUR && now < T + 2 * HOUR
    const onRound = ({ next }: { next: number | null }) => {
      now = next!
    }
    const log = newLog(1)
    await polls(log, { ...only, onRound, fake: { messages: world, unreadable }, until: T + 8 * HOUR })
    expect(told(log, 'posts', 1, T + HOUR)).toEqual(['covered'])
    expect(told(log, 'replies', 2, T + 65 * MINUTE)).toEqual(['covered'])
  })

  test('a poll that failed is made again in every round until it comes through, and then no more', async () => {
    const asked: number[] = []
    let now = T
    const before = (question: string) => {
      if (!question.startsWith('replies')) return undefined
      asked.push((now - T) / MINUTE)
      return now < T + 50 * MINUTE
        ? ({ outcome: 'failed', why: 'no', retryAfter: 0, seconds: 0 } as const)
        : undefined
    }
    const onRound = ({ next }: { next: number | null }) => {
      now = next!
    }
    await polls(newLog(1), {
      ...{ ...only, onRound, until: T + 100 * MINUTE },
      fake: { messages: [post(1, T + 15 * MINUTE)], before },
    })
    expect(asked).toEqual([20, 25, 30, 35, 40, 45, 50, 55, 75])
  })

  test('a reply that can be seen only L after its time is found, and is not late', async () => {
    const times = [10, 20, 40, 60, 120].map((age) => T + age * MINUTE - 1000)
    const world = [post(1, T), ...times.map((time, i) => reply(10 + i, time, 1))]
    const log = newLog(1)
    const delay = (m: Message) => (m.type === 'cast' && m.parent && 'cast' in m.parent ? LATENESS : 0)
    await polls(log, { ...only, fake: { messages: world, delay }, until: T + 6 * HOUR })
    for (const [i, time] of times.entries())
      if (time >= T + HOUR / 2) expect(told(log, 'replies', 10 + i, time), `${i}`).toEqual(['covered'])
  })

  test('a cast whose polls always fail holds coverage back for its day, and no longer', async () => {
    const fails = { outcome: 'failed', why: 'no', retryAfter: 0, seconds: 0 } as const
    const before = (question: string) =>
      question === `replies ${hash(1).toString('hex')}` ? fails : undefined
    const log = newLog(1)
    const world = [post(1, T + HOUR), post(2, T + 35 * HOUR), reply(3, T + 36 * HOUR, 2)]
    await polls(log, { ...only, fake: { messages: world, before }, until: T + 40 * HOUR })
    expect(gapHours(log, 'replies')).toBeGreaterThan(20)
    expect(gapHours(log, 'replies')).toBeLessThan(30)
    expect(told(log, 'replies', 3, T + 36 * HOUR)).toEqual(['covered'])
  })

  test('more replies than a page can show, where there is no other: nothing is said to be covered', async () => {
    const world = [
      post(1, T),
      ...Array.from({ length: 6 }, (_, i) => reply(i + 2, T + (6 + i / 2) * MINUTE, 1)),
    ]
    const log = newLog(1)
    await polls(log, { ...only, fake: { messages: world, pageSize: 2, widest: 2 }, until: T + 3 * HOUR })
    expect(told(log, 'replies', 2, T + 6 * MINUTE)).not.toContain('covered!')
    expect(spans(log, URL, 'replies').some(({ status, to }) => status === 'covered' && to > T + HOUR)).toBe(
      false,
    )
  })

  test('a message of the future is none', async () => {
    const log = newLog(1)
    await polls(log, {
      ...only,
      fake: { messages: [post(1, T + 5 * HOUR)], delay: () => -5 * HOUR },
      until: T + HOUR,
    })
    expect(recordsOf(log, 'Cast')).toEqual([])
  })

  test('one that is new and never answers holds up none of the others', async () => {
    const log = newLog(1)
    const fails = { outcome: 'failed', why: 'no', retryAfter: 0, seconds: 0 } as const
    const before = (question: string) => (question.includes('mute') ? fails : undefined)
    const follow = parseFollow(`${URL},https://example.org/mute`, 0)
    await polls(log, { follow, fake: { messages: [post(1, T)], before }, until: T + 3 * HOUR })
    const decided = recordsOf(log, 'Coverage').filter(({ record }) => record.status === 'decided')
    expect(decided.at(-1)!.record.to).toBeGreaterThan(T + HOUR)
    expect(spans(log, URL, 'posts')).toHaveLength(1)
  })

  test('new, with pages that do not reach back: covered from where they do', async () => {
    const world = Array.from({ length: 20 }, (_, i) => post(i + 1, T - 2 * HOUR + i * 5 * MINUTE))
    const log = newLog(1)
    await polls(log, { ...only, fake: { messages: world, pageSize: 4, widest: 4 }, until: T })
    expect(spans(log, URL, 'posts')).toEqual([
      { status: 'covered', from: world[16]!.time + SECOND, to: T - LATENESS },
    ])
  })

  test('what is left is told for a day, and not longer', async () => {
    const log = newLog(1)
    await polls(log, { ...only, fake: { messages: [post(1, T)] }, until: T + HOUR })
    const other = {
      follow: parseFollow('https://example.org/other', 0),
      fake: { messages: [] },
      interval: HOUR,
    }
    await polls(log, { ...other, until: T + 40 * HOUR })
    const left = spans(log, URL, 'posts').at(-1)!
    expect(left).toEqual({ status: 'gap', from: T + HOUR - LATENESS, to: T + 26 * HOUR - LATENESS })
  })

  test('two days on, the memory is bounded, and a restart finds it again', async () => {
    const world = Array.from({ length: 240 }, (_, i) => [
      post(2 * i + 1, T + i * 20 * MINUTE),
      reply(2 * i + 2, T + i * 20 * MINUTE + 3 * MINUTE, 2 * i + 1),
    ]).flat()
    const options = { ...only, fake: { messages: world }, interval: 20 * MINUTE }
    const log = newLog(1)
    await polls(log, { ...options, until: T + 70 * HOUR })
    const memory = await rebuilt(log)
    expect(memory.channelOf.size).toBeLessThan(49 * 6 + 4)
    expect(memory.channels.get(URL)!.casts.size).toBe(memory.channelOf.size)
    const halfway = newLog(1)
    await polls(halfway, { ...options, until: T + 50 * HOUR })
    await polls(halfway, { ...options, until: T + 70 * HOUR })
    expect(distinct(halfway)).toEqual(distinct(log))
    expect(await rebuilt(halfway)).toEqual(memory)
    const casts = recordsOf(log, 'Cast')
    expect(casts.length).toBe(new Set(casts.map(({ record }) => idOf(record.hash))).size)
  })
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
