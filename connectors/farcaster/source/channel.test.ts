/** What is said of one channel, whatever its polls meet. */
import { describe, expect, test } from 'vitest'
import { HOUR, LATENESS, MINUTE, SECOND } from '../../../common/time.ts'
import type { Message } from '../../../schemas/message.ts'
import type { Measure } from '../../../schemas/records.ts'
import { cast, hash, type MemoryLog } from '../fixtures.ts'
import { parseFollow } from './follow.ts'
import { idOf } from './memory.ts'
import { distinct, history, items, LIVE, newLog, rebuilt, recordsOf, spans } from './network.fixture.ts'
import { polls } from './polls.fixture.ts'

const URL = 'https://example.org/c'

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
