/** What strangers write makes the source's memory grow to a limit, and what it doesn't watch then is never claimed. */
import { expect, test } from 'vitest'
import { DAY, HOUR, LATENESS, MINUTE, SECOND } from '../../../common/time.ts'
import type { Message } from '../../../schemas/message.ts'
import { cast, hash } from '../fixtures.ts'
import { simulatedClock } from './clock.ts'
import { type Fake, fakeServer } from './fake-server.fixture.ts'
import { followedOf, isListable, MAX_FOLLOWED, MAX_LISTED, parseFollow } from './follow.ts'
import { LIMITS } from './memory.ts'
import { LIVE, newLog, pollInto, rebuilt, recordsOf, spans } from './network.fixture.ts'
import { LIST_PAGES, type PollOptions, type Remembered } from './poll.ts'

const [FLOODED, QUIET] = ['https://a.org/flooded', 'https://a.org/quiet']

async function polls(messages: Message[], more: Partial<PollOptions>, fake: Partial<Fake> = {}) {
  const log = newLog()
  let now = LIVE
  const drive = async (time: number) => {
    now = time
  }
  const { signal } = new AbortController()
  const seen: Remembered[] = []
  await pollInto(log, {
    server: fakeServer({ messages, now: () => now, ...fake }),
    clock: simulatedClock({ start: LIVE, speed: Number.POSITIVE_INFINITY, drive, signal }),
    ...{ follow: parseFollow(`${FLOODED},${QUIET}`, 0), interval: 5 * MINUTE, budget: 10_000 },
    until: LIVE + 3 * HOUR,
    onRound: ({ remembered }) => void seen.push(remembered),
    ...more,
  })
  return { log, seen }
}
const statuses = (log: ReturnType<typeof newLog>, key: string, measure: 'posts' | 'replies' | 'reactions') =>
  spans(log, key, measure).map(({ status }) => status)

const posts = (n: number, channel: string, first = 0) =>
  Array.from({ length: n }, (_, i) => cast(first + i, LIVE - HOUR + i * 20 * SECOND, channel))

test('casts beyond the limit of a channel aren’t watched: what is under them is a gap, elsewhere nothing changes', async () => {
  const limits = { ...LIMITS, castsOfChannel: 50 }
  const { log, seen } = await polls([...posts(400, FLOODED), ...posts(30, QUIET, 1000)], { limits })
  expect(Math.max(...seen.map(({ casts }) => casts))).toBe(80)
  expect(new Set(recordsOf(log, 'Cast').map(({ record }) => record.hash.toString('hex'))).size).toBe(430)
  expect(statuses(log, FLOODED, 'posts')).toEqual(['covered'])
  expect(statuses(log, QUIET, 'replies')).toEqual(['gap', 'covered'])
  for (const measure of ['replies', 'reactions'] as const)
    expect(statuses(log, FLOODED, measure)).toEqual(['gap'])
  const why = recordsOf(log, 'Coverage').filter(
    ({ key, record }) => key === FLOODED && record.status === 'gap',
  )
  expect(why.at(-1)!.record.reason).toBe('it has more casts than are watched')
  // Opened anew it knows the same.
  expect((await rebuilt(log, limits)).channelOf.size).toBe(80)
})

test('a flood that is over is watched again a day later', async () => {
  const limits = { ...LIMITS, castsOfChannel: 50 }
  const later = Array.from({ length: 3 }, (_, n) => cast(2000 + n, LIVE + 51 * HOUR + n * HOUR, FLOODED))
  const { log } = await polls([...posts(60, FLOODED), ...later], {
    limits,
    until: LIVE + 54 * HOUR,
    interval: HOUR,
  })
  const [gap, covered] = spans(log, FLOODED, 'replies')
  // The newest are read first.
  const last = LIVE - HOUR + 9 * 20 * SECOND
  expect(gap).toEqual({ status: 'gap', from: LIVE - LATENESS - SECOND, to: last + DAY })
  expect(covered!.status).toBe('covered')
})

test('casts beyond the limit of all channels aren’t watched either', async () => {
  const limits = { ...LIMITS, casts: 100 }
  const { seen } = await polls([...posts(300, FLOODED), ...posts(300, QUIET, 1000)], { limits })
  expect(Math.max(...seen.map(({ casts }) => casts))).toBe(100)
})

test('reactions beyond the limits are nothing more than a gap, and no record in every round', async () => {
  const one = cast(1, LIVE - MINUTE, FLOODED)
  const likes = Array.from(
    { length: 500 },
    (_, n): Message => ({
      ...{ type: 'reaction', kind: 'like', hash: hash(100 + n), fid: n + 1, time: LIVE + n * SECOND },
      target: { fid: 1, hash: hash(1) },
    }),
  )
  for (const limits of [
    { ...LIMITS, reactionsOfCast: 40 },
    { ...LIMITS, reactions: 40 },
  ]) {
    const { log, seen } = await polls([one, ...likes, cast(2, LIVE - MINUTE, QUIET)], { limits })
    expect(Math.max(...seen.map(({ reactions }) => reactions))).toBe(40)
    // Those of the poll in which it was told are there once.
    const found = recordsOf(log, 'Reaction').map(({ record }) => record.hash.toString('hex'))
    expect(found.length).toBe(new Set(found).size)
    expect(statuses(log, FLOODED, 'reactions')).toEqual(['gap'])
    expect(statuses(log, FLOODED, 'replies')).toEqual(['gap', 'covered'])
    expect(statuses(log, QUIET, 'reactions')).toEqual(['gap', 'covered'])
  }
})

test('a server that lists channels without end is read to a limit, its longest names not at all', async () => {
  let pages = 0
  const items = Array.from({ length: 30_000 }, (_, n) => ({
    id: `c${n}`,
    url: `https://c.org/${n}`,
    followers: n,
  }))
  const long = { id: 'x'.repeat(300), url: 'https://c.org/long', followers: 1e9 }
  const server = fakeServer({ messages: [], now: () => LIVE })
  server.channels = async () => {
    pages++
    const page = items.map((item) => ({ ...item, url: `${item.url}/${pages}` }))
    return { outcome: 'page', items: [long, ...page], from: 0, next: { cursor: 'x' }, invalid: 0, seconds: 0 }
  }
  const warnings: string[] = []
  let followed = 0
  await polls([], {
    ...{ server, follow: parseFollow('*', 0), until: LIVE, budget: 20 },
    onRound: (round) => {
      followed = round.followed
    },
    onWarning: ({ code }) => void warnings.push(code),
  })
  expect(pages).toBeLessThanOrEqual(LIST_PAGES)
  expect(followed).toBe(MAX_FOLLOWED)
  expect(warnings).toContain('FOLLOW_FULL')
  expect(isListable(long)).toBe(false)
  expect(isListable({ id: 'a', url: `https://${'x'.repeat(2000)}`, followers: 1 })).toBe(false)
  expect(MAX_LISTED).toBe(100_000)
})

test('of too many channels those are followed that are named, that were, and that are large', () => {
  const listed = [5, 4, 3, 2, 1].map((n) => ({ id: `c${n}`, url: `https://c.org/${n}`, followers: n }))
  const follow = { ...parseFollow('*,https://x.org', 0) }
  expect(followedOf(follow, listed, ['https://c.org/1'], 3)).toEqual([
    'https://c.org/1',
    'https://c.org/5',
    'https://x.org',
  ])
})
