/**
 * The pipeline on real engines, while they and its own processes break. After it, exports are byte for byte those of the
 * undisturbed run of one process on the embedded engines. `npm run test:chaos`; a short form goes with `test:services`.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { recordsOf } from '../../app/load/feed.ts'
import { PROCESSING } from '../../app/roles/roles.ts'
import { untilItPasses } from '../../common/retry.ts'
import { openKafkaLog } from '../../pipeline/log/kafka/kafka.ts'
import { backlog } from '../../pipeline/runtime/lag.ts'
import { topicOf, topicSpecs } from '../../pipeline/topology.ts'
import { createCodec } from '../../schemas/codec.ts'
import { openConfluentRegistry } from '../../schemas/confluent-registry.ts'
import { binsOf, type Exports, exportsBy, FIRST, feedOf, undisturbed } from '../undisturbed.ts'
import { caughtUp, faults, poison } from './faults.ts'
import { createWorld, type World } from './world.ts'

const isLong = process.env.CHAOS === 'long'
/** `seconds`: over how long the load is spread; faults go on until it is over. */
const SIZE = isLong
  ? { channels: 60, hours: 50, seconds: 600, rounds: 3, away: 60_000 }
  : { channels: 20, hours: 34, seconds: 80, rounds: 1, away: 8000 }

const RUN = 'chaos'
const PARTITIONS = 8
const WORKERS = 3
const LOAD = { run: RUN, channels: SIZE.channels, hours: SIZE.hours }
const BINS = binsOf(LOAD)
/** No process of the pipeline may take more. */
const MOST_BYTES = 900 * 2 ** 20
/** Nor longer to end when it is told to, whatever the group waits for. */
const MOST_STOP_MS = 12_000

let world: World
beforeAll(async () => {
  world = await createWorld(['run', ...PROCESSING, '--run', RUN])
})
afterAll(() => world?.end(), 60_000)

test('nothing is lost and nothing doubled, whatever happens meanwhile', async () => {
  const { answer, events } = await undisturbed(LOAD, world.fcm)
  expect(answer.alerts.split('\n').length).toBeGreaterThan(10)

  await world.fcm(['migrate'])
  const { broker, registry, env } = world
  const codec = await createCodec(openConfluentRegistry({ url: registry.address, mayRegister: false }))
  const log = openKafkaLog({ brokers: [broker.address] })
  await log.ensureTopics(topicSpecs(RUN, PARTITIONS))
  for (let i = 0; i < WORKERS; i++) world.hire()

  const feed = feedOf(LOAD, log, codec, PARTITIONS)
  const began = Date.now()
  const publishing = (async () => {
    for (let bin = FIRST; bin < FIRST + BINS; bin++) {
      const due = began + ((bin - FIRST) / BINS) * SIZE.seconds * 1000
      if (Date.now() < due) await sleep(due - Date.now())
      await untilItPasses(
        () => log.append(recordsOf(feed, bin)),
        () => {},
      )
    }
  })()
  const behind = () => backlog(log, RUN, PROCESSING)
  // Each event is read by two roles, and what is made of it by more; so much is always on its way.
  const least = (events / SIZE.seconds) * 3

  const told = new Map<string, { times: number; mostBehind: number; longestCatchUp: number }>()
  await caughtUp(behind, least)
  const poisoned = poison(codec, topicOf(RUN, 'activity'), ['a', 'b', 'c'])
  await log.append(poisoned)
  for (let round = 0; round < SIZE.rounds; round++) {
    for (const { name, strike } of faults(SIZE.away)) {
      process.stderr.write(`${new Date().toISOString()} ${name}\n`)
      await strike(world)
      const records = await behind().catch(() => Number.NaN)
      const seconds = (await caughtUp(behind, least)) / 1000
      const { times, mostBehind, longestCatchUp } = told.get(name) ?? {
        times: 0,
        mostBehind: 0,
        longestCatchUp: 0,
      }
      told.set(name, {
        times: times + 1,
        mostBehind: Math.max(mostBehind, records),
        longestCatchUp: Math.max(longestCatchUp, seconds),
      })
    }
  }
  await publishing
  await caughtUp(behind, 0)
  for (const worker of world.workers.slice()) expect(await world.dismiss(worker, 'SIGTERM')).toBe(0)

  console.table(Object.fromEntries(told))
  console.log(
    `${events} events in ${PARTITIONS} partitions, ${WORKERS} workers; at most ${Math.round(world.peakBytes() / 2 ** 20)} MB each, ` +
      `ended within ${(world.longestStop() / 1000).toFixed(1)} s; ` +
      `${Math.round((Date.now() - began) / 1000)} s`,
  )
  const result = await exportsBy(world.fcm, RUN)
  for (const [what, text] of Object.entries(answer))
    expect(result[what as keyof Exports] === text, what).toBe(true)
  const letters = JSON.parse(await world.fcm(['dead-letters', 'list', '--run', RUN, '--json'], env)) as {
    source: string
    bytes: number
  }[]
  expect(letters.map(({ bytes }) => bytes).sort()).toEqual(poisoned.map(({ value }) => value!.length).sort())
  expect(new Set(letters.map(({ source }) => source)).size).toBe(poisoned.length)
  expect(world.peakBytes()).toBeLessThan(MOST_BYTES)
  expect(world.longestStop()).toBeLessThan(MOST_STOP_MS)
  await log.close()
}, 3_600_000)
