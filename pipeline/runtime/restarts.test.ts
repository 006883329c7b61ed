/** However often it is started, and wherever it was killed: a stage writes what it would have written undisturbed. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { EventLog } from '../log/port.ts'
import { topicSpecs } from '../topology.ts'
import { runStage } from './run-stage.ts'
import { adding, type Bench, INPUT, input, openBench, RUN } from './testing.ts'

let it: Bench
beforeEach(async () => {
  it = await openBench()
})
afterEach(() => it.close())

/** A log over the real one from which nothing more is written from the n-th write or commit on, as when it is killed. */
function dying(atOperation: number): { log: EventLog; isDead(): boolean } {
  let operations = 0
  const operation = <T>(work: () => Promise<T>): Promise<T> =>
    ++operations < atOperation ? work() : Promise.reject(new Error('killed'))
  const over: EventLog = {
    ...it.log,
    append: (records) => operation(() => it.log.append(records)),
    async subscribe(options) {
      const subscription = await it.log.subscribe(options)
      return { ...subscription, commit: (tp, offset) => operation(() => subscription.commit(tp, offset)) }
    },
  }
  return { log: over, isDead: () => operations >= atOperation }
}

describe('a stage', () => {
  test('writes the same whatever the batches and however often it restarts', async () => {
    const records = Array.from({ length: 25 }, (_, i) => input(i))
    await it.fill(records)
    await it.runThrough(adding(), { batchSize: 7 })
    const undisturbed = await it.results()
    expect(undisturbed.map(({ count }) => count).at(-1)).toBe((24 * 25) / 2)

    for (const batchSize of [1, 1000]) {
      await it.log.deleteTopics(topicSpecs(RUN, 1).map(({ name }) => name))
      await it.log.ensureTopics(topicSpecs(RUN, 1))
      for (const record of records) {
        await it.log.append([{ topic: INPUT, key: 'k', value: it.codec.encode(record) }])
        await it.runThrough(adding(), { batchSize })
      }
      expect(await it.results()).toEqual(undisturbed)
    }
  })

  test('commits what it has come to, and not each batch', async () => {
    await it.fill(Array.from({ length: 200 }, (_, i) => input(i)))
    const commits: number[] = []
    const over: EventLog = {
      ...it.log,
      async subscribe(options) {
        const subscription = await it.log.subscribe(options)
        return {
          ...subscription,
          commit(tp, offset) {
            commits.push(offset)
            return subscription.commit(tp, offset)
          },
        }
      },
    }
    const running = await runStage(it.hostOn(over, { batchSize: 1, checkpointMs: 60_000 }), adding())
    await it.drained()
    await running.stop()
    expect(commits.length).toBeLessThan(100)
    expect(commits).toEqual(commits.toSorted((a, b) => a - b))
    expect(commits.at(-1)).toBe(200)
  })

  test('killed at any write or commit and started again, it loses and doubles nothing', async () => {
    const records = Array.from({ length: 30 }, (_, i) => input(i))
    await it.fill(records)
    await it.runThrough()
    const undisturbed = await it.results()

    for (let at = 1; at <= 8; at++) {
      await it.log.deleteTopics(topicSpecs(RUN, 1).map(({ name }) => name))
      await it.fill(records)
      for (let life = 0; life < 3; life++) {
        const mortal = dying(at)
        const running = await runStage(it.hostOn(mortal.log, { onFailure() {} }), adding())
        await it.drained(mortal.isDead)
        // A dead process does not stop gracefully either: its last checkpoint fails too.
        await running.stop().catch(() => {})
      }
      await it.runThrough()
      expect(await it.results()).toEqual(undisturbed)
    }
  })

  test('partitions keep states of their own', async () => {
    await it.fill(
      Array.from({ length: 8 }, (_, i) => input(i + 1, 1)),
      4,
    )
    await it.runThrough()
    expect((await it.results()).map(({ count }) => count).sort()).toEqual([1, 1, 1, 1, 2, 2, 2, 2])
  })
})
