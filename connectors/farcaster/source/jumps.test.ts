/** The wall clock is set: what was claimed stands, and a person is told why polling waits. */
import { expect, test } from 'vitest'
import type { FcmError } from '../../../common/errors.ts'
import { DAY, HOUR, MINUTE } from '../../../common/time.ts'
import { cast } from '../fixtures.ts'
import type { Clock } from './clock.ts'
import { fakeServer } from './fake-server.fixture.ts'
import { parseFollow } from './follow.ts'
import { broken, LIVE, messages, newLog, pollInto, recordsOf, spans, urls } from './network.fixture.ts'
import type { PollOptions } from './poll.ts'
import type { FarcasterServer } from './port.ts'

/** Shows `reads` one after the other; a wait that would end later than `patience` from now ends the source instead. */
function setClock(reads: number[], patience: number, walls: (number | null)[] = []) {
  const stop = new AbortController()
  let now = reads[0]!
  const waits: number[] = []
  const clock: Clock = {
    isWall: true,
    now: () => now,
    async until(time, look) {
      waits.push(time)
      look?.({ now, wall: walls.shift() ?? null })
      if (time > now + patience) stop.abort()
      stop.signal.throwIfAborted()
      now = Math.max(time, reads.shift() ?? time)
    },
    pace: async () => {},
    pause() {},
    async rest() {},
  }
  return { clock, waits, signal: stop.signal, now: () => now }
}

async function polls(
  log: ReturnType<typeof newLog>,
  reads: number[],
  until: number,
  walls?: (number | null)[],
) {
  const { clock, waits, signal, now } = setClock(reads, HOUR, walls)
  const warnings: FcmError[] = []
  const rounds: number[] = []
  let goneOn = 0
  const options: PollOptions = {
    ...{ clock, until, follow: parseFollow('*', 0), interval: 5 * MINUTE, budget: 10_000 },
    server: fakeServer({ messages, now }),
    onRound: ({ at }) => void rounds.push(at),
    onWarning: (error) => void warnings.push(error),
    onGoingOn: () => void goneOn++,
  }
  const { finished } = await pollInto(log, options, signal)
  return { finished, rounds, waits, goneOn, warnings: warnings.map(({ message }) => message) }
}

test('set back by a day, it polls nothing again, waits, and says until when', async () => {
  const log = newLog()
  await polls(log, [LIVE], LIVE + HOUR)
  const before = JSON.stringify([...log.records])
  const { finished, rounds, waits, warnings } = await polls(log, [LIVE - DAY], LIVE + 2 * HOUR)
  expect({ finished, rounds, waits }).toEqual({
    finished: false,
    rounds: [],
    waits: [LIVE + HOUR + 5 * MINUTE],
  })
  expect(warnings).toEqual([
    expect.stringMatching(/clock stands at 2026-01-04T06:00:00Z, .*2026-01-05T07:00:00Z/),
  ])
  expect(JSON.stringify([...log.records])).toBe(before)
})

test('while the clock has jumped a person is told, once, and that polling goes on', async () => {
  const log = newLog()
  const wall = LIVE + 2 * HOUR
  const { finished, warnings, goneOn } = await polls(log, [LIVE], LIVE + HOUR, [null, wall, wall, null])
  expect([finished, goneOn]).toEqual([true, 1])
  expect(warnings).toEqual([
    expect.stringMatching(/has jumped to 2026-01-05T08:00:00Z, while .* 2026-01-05T06:00:00Z/),
  ])
})

test('an answer that is waited for is told of once, and once that there is one again', async () => {
  const { clock, signal, now } = setClock([LIVE], HOUR)
  const told: string[] = []
  let asked = 0
  const options: PollOptions = {
    ...{
      clock,
      until: LIVE + 10 * MINUTE,
      follow: parseFollow('*', 0),
      interval: 5 * MINUTE,
      budget: 10_000,
    },
    server: fakeServer({
      ...{ messages, now },
      before: () => (++asked > 3 && asked < 7 ? { outcome: 'away', why: 'it ended' } : undefined),
    }),
    onWarning: ({ code }) => void told.push(code),
    onGoingOn: () => void told.push('answer'),
  }
  await pollInto(newLog(), options, signal)
  expect(told).toEqual(['SOURCE_AWAITS', 'answer'])
})

test('corrected by seconds, it says nothing', async () => {
  const log = newLog()
  await polls(log, [LIVE], LIVE + HOUR)
  const { finished, rounds, warnings, goneOn } = await polls(log, [LIVE + HOUR - 20_000], LIVE + 2 * HOUR)
  expect([finished, warnings, goneOn, rounds[0]]).toEqual([true, [], 0, LIVE + HOUR + 5 * MINUTE])
})

test('set ahead by hours, as after a sleep, it reads what it has missed, and claims what it has read', async () => {
  const log = newLog()
  const { rounds } = await polls(log, [LIVE, LIVE + MINUTE, LIVE + 5 * HOUR], LIVE + 6 * HOUR)
  expect(rounds.filter((at) => at > LIVE + HOUR && at < LIVE + 5 * HOUR)).toEqual([])
  const { checked, missing } = broken(log)
  expect(missing).toEqual([])
  expect(checked).toBeGreaterThan(100)
  for (const url of urls) expect(spans(log, url, 'posts').map(({ status }) => status)).toEqual(['covered'])
})

test('a page of a quiet channel goes back for years: what is too old to be remembered is passed over', async () => {
  const url = 'https://example.org/quiet'
  const times = [LIVE - 60 * 1000, LIVE - 47 * HOUR, LIVE - 49 * HOUR, LIVE - 30 * DAY, 0, Date.UTC(1, 0)]
  const items = times.map((time, n) => cast(n, time, url))
  const log = newLog()
  const { clock, signal } = setClock([LIVE], HOUR)
  const server: FarcasterServer = {
    measures: ['posts'],
    // As a server whose tool takes no `since` answers.
    posts: async (_, since) => ({ outcome: 'page', items, from: since, next: null, invalid: 0, seconds: 0 }),
    channels: () => Promise.reject(new Error('not asked')),
    replies: () => Promise.reject(new Error('not asked')),
    reactions: () => Promise.reject(new Error('not asked')),
    close: async () => {},
  }
  const common = { server, follow: parseFollow(url, 0), interval: 5 * MINUTE, budget: 1000 }
  await pollInto(log, { ...common, clock, until: LIVE + 4 * HOUR }, signal)
  const found = recordsOf(log, 'Cast').map(({ record }) => record.time)
  expect(found).toEqual(times.slice(0, 2))
  // Away for days, it reads what it has missed, however old that is by now.
  const after = LIVE + 10 * DAY
  const missed = [after - HOUR, after - 5 * DAY, LIVE - DAY]
  items.push(...missed.map((time, n) => cast(100 + n, time, url)))
  const later = setClock([after], HOUR)
  await pollInto(log, { ...common, clock: later.clock, until: after + HOUR }, later.signal)
  const more = recordsOf(log, 'Cast').map(({ record }) => record.time)
  expect(more.slice(found.length)).toEqual(missed.slice(0, 2))
})
