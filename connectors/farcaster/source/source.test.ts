import { describe, expect, test } from 'vitest'
import { BASE, floorTo, HOUR, LATENESS, MINUTE, SECOND } from '../../../common/time.ts'
import { createRandom } from '../../../models/random.ts'
import { networkOf, simulateChannels } from '../../../models/simulation/simulate.ts'
import { topicOf } from '../../../pipeline/topology.ts'
import { createCodec } from '../../../schemas/codec.ts'
import type { Message } from '../../../schemas/message.ts'
import type { Activity, Coverage } from '../../../schemas/records.ts'
import { completeBins } from '../completeness.ts'
import { type MemoryLog, memoryLog, memoryRegistry } from '../fixtures.ts'
import { publish } from '../publish.ts'
import { simulatedClock } from './clock.ts'
import { type Fake, fakeServer } from './fake-server.fixture.ts'
import { parseFollow } from './follow.ts'
import { idOf } from './memory.ts'
import { rebuild } from './rebuild.ts'
import { WATCHED } from './schedule.ts'
import type { Answer } from './server.ts'
import { type PollOptions, poll } from './source.ts'

const RUN = 'live'
const ACTIVITY = topicOf(RUN, 'activity')
const codec = await createCodec(memoryRegistry())
const newLog = (partitions = 2) => memoryLog([ACTIVITY, topicOf(RUN, 'dead-letters')], partitions)

/** Half a day of a network of four channels, and the time at which polling begins. */
const SEED = 3
const START = Date.UTC(2026, 0, 5)
const LIVE = START + 6 * HOUR
const END = START + 14 * HOUR
const channels = networkOf(SEED)
  .filter(({ url }) => url !== null)
  .slice(2, 6)
const urls = channels.map(({ url }) => url!).sort()
const bins = (() => {
  const all = []
  for (const bin of simulateChannels(SEED, START, channels, [])) {
    if (bin.start >= END) return all
    all.push(bin)
  }
  return all
})()
const messages = bins.flatMap((bin) => bin.messages)

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

type Item = { key: string; record: Activity }
const items = (log: MemoryLog): Item[][] =>
  log.records
    .get(ACTIVITY)!
    .map((partition) =>
      partition.map(({ key, value }) => ({ key, record: codec.decode(value!) as Activity })),
    )
const coverageOf = (log: MemoryLog) =>
  items(log)
    .flat()
    .filter((item): item is { key: string; record: Coverage } => item.record.type === 'Coverage')
/** What the log has of a partition, in order, without repeats. */
const distinct = (log: MemoryLog): string[][] =>
  log.records
    .get(ACTIVITY)!
    .map((partition) => [
      ...new Set(partition.map(({ key, value }) => `${key} ${JSON.stringify(codec.decode(value!))}`)),
    ])

/**
 * Messages that lie in time that the log says is covered and that weren't in it by then: what must never be. Casts that
 * came under one older than a day are unwatched; what came later than L is outside the promise.
 */
function broken(
  log: MemoryLog,
  delay: (m: Message) => number = () => 0,
): { checked: number; missing: string[] } {
  const casts = new Map(messages.flatMap((m) => (m.type === 'cast' ? [[idOf(m.hash), m] as const] : [])))
  const channelOf = (id: string): string => {
    const parent = casts.get(id)?.parent
    return parent && 'url' in parent ? parent.url : parent ? channelOf(idOf(parent.cast.hash)) : '_'
  }
  const isWatched = (time: number, target: string): boolean => {
    const cast = casts.get(target)
    if (!cast || time - cast.time > WATCHED) return false
    return !cast.parent || 'url' in cast.parent || isWatched(cast.time, idOf(cast.parent.cast.hash))
  }
  const missing: string[] = []
  let checked = 0
  for (const partition of items(log)) {
    const seen = new Map<string, number>()
    partition.forEach(({ record }, i) => {
      if ((record.type === 'Cast' || record.type === 'Reaction') && !seen.has(idOf(record.hash)))
        seen.set(idOf(record.hash), i)
    })
    partition.forEach(({ key, record }, i) => {
      if (record.type !== 'Coverage' || record.status !== 'covered') return
      for (const m of messages) {
        if (m.time < record.from || m.time >= record.to || delay(m) > LATENESS) continue
        if (m.type !== 'cast' && m.type !== 'reaction') continue
        const parent = m.type === 'cast' ? m.parent : { cast: m.target }
        const under = parent && 'cast' in parent ? parent.cast : null
        const target = under && idOf(under.hash)
        const measure = m.type === 'reaction' ? 'reactions' : target ? 'replies' : 'posts'
        if (!record.measures.includes(measure)) continue
        if (channelOf(target ?? idOf(m.hash)) !== key) continue
        if (target !== null && !isWatched(m.time, target)) continue
        checked++
        if ((seen.get(idOf(m.hash)) ?? Number.POSITIVE_INFINITY) > i)
          missing.push(`${measure} ${key} ${m.time}`)
      }
    })
  }
  return { checked, missing }
}

/** The spans of a channel and measure, joined; they must follow one another without overlap. */
function spans(log: MemoryLog, key: string, measure: Coverage['measures'][number]) {
  const out: { status: string; from: number; to: number }[] = []
  for (const { key: k, record } of coverageOf(log)) {
    if (k !== key || !record.measures.includes(measure)) continue
    const last = out.at(-1)
    if (last) expect(record.from).toBe(last.to)
    if (last?.status === record.status) last.to = record.to
    else out.push({ status: record.status, from: record.from, to: record.to })
  }
  return out
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
  test.each([0.02, 0.3, 0.8])('of a share of %f, nothing is missing where it says covered', async (rate) => {
    const log = newLog()
    await history(log)
    let now = LIVE
    await polls(log, {
      fake: { before: (question) => failing(rate, 'f')(() => now)(question) },
      onRound: ({ at }) => {
        now = at + 5 * MINUTE
      },
    })
    const { checked, missing } = broken(log)
    expect(missing).toEqual([])
    if (rate < 0.5) expect(checked).toBeGreaterThan(100)
    for (const url of urls) for (const m of ['posts', 'replies', 'reactions'] as const) spans(log, url, m)
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
