/** Polls of the small network, in simulated time. */
import { expect } from 'vitest'
import { floorTo, MINUTE } from '../../../common/time.ts'
import { createRandom } from '../../../models/random.ts'
import type { MemoryLog } from '../fixtures.ts'
import { simulatedClock } from './clock.ts'
import { type Fake, fakeServer } from './fake-server.fixture.ts'
import { parseFollow } from './follow.ts'
import { END, LIVE, messages, pollInto } from './network.fixture.ts'
import type { PollOptions } from './poll.ts'
import type { Answer } from './port.ts'

export type More = Partial<Omit<PollOptions, 'until'>> & {
  fake?: Partial<Fake>
  until?: number
  start?: number
}

/** Polls `messages` in simulated time from where the log ends, or from `start`. */
export async function polls(log: MemoryLog, { fake, until = END, start = LIVE, ...more }: More = {}) {
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

/** A server that fails a share of its questions, others in every period. */
export const failing =
  (rate: number, seed: string) =>
  (now: () => number, period = 20 * MINUTE) =>
  (question: string): Answer<never> | undefined =>
    createRandom(`${seed} ${question} ${floorTo(now(), period)}`).next() < rate
      ? { outcome: 'failed', why: 'it said 500', retryAfter: 0, seconds: 0 }
      : undefined
