import { describe, expect, test } from 'vitest'
import { BASE, floorTo, HOUR, LATENESS, MINUTE, SECOND } from '../../../common/time.ts'
import { createRandom } from '../../../models/random.ts'
import { completeBins } from '../completeness.ts'
import type { MemoryLog } from '../fixtures.ts'
import { publish } from '../publish.ts'
import { simulatedClock } from './clock.ts'
import { type Fake, fakeServer } from './fake-server.fixture.ts'
import { parseFollow } from './follow.ts'
import {
  bins,
  broken,
  codec,
  distinct,
  END,
  LIVE,
  messages,
  newLog,
  RUN,
  spans,
  urls,
} from './network.fixture.ts'
import { rebuild } from './rebuild.ts'
import type { Answer } from './server.ts'
import { type PollOptions, poll } from './source.ts'

type More = Partial<Omit<PollOptions, 'log' | 'until'>> & {
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
  const { finished } = await poll({
    ...{ log, codec, run: RUN, server, clock, until, signal: abort.signal },
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

/** A history of LIVE - START by a whole source, as the simulation publishes it. */
async function history(log: MemoryLog): Promise<void> {
  async function* past() {
    for (const bin of bins) if (bin.start < LIVE) yield bin
  }
  await publish({
    log,
    codec,
    run: RUN,
    measures: ['posts', 'replies', 'reactions'],
    input: completeBins(past()),
  })
}

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
    const memory = await rebuild(log, codec, RUN)
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
  expect(await rebuild(log, codec, RUN)).toEqual(await rebuild(undisturbed, codec, RUN))
})
