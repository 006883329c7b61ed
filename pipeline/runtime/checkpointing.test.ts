import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FcmError } from '../../common/errors.ts'
import type { Milestone } from '../../schemas/records.ts'
import type { EventLog } from '../log/port.ts'
import { topicOf } from '../topology.ts'
import { runStage } from './run-stage.ts'
import type { Stage } from './stage.ts'
import { adding, type Bench, INPUT, input, openBench, RUN, type Sum } from './testing.ts'

let it: Bench
beforeEach(async () => {
  it = await openBench()
})
afterEach(() => it.close())

describe('a stage', () => {
  test('where much closes every few seconds, begins checkpoints soon after that, not before it comes again', async () => {
    let now = 0
    const stage: Stage<'detect', Sum> = {
      ...adding(),
      async settle(state, emit) {
        const isMuch = state.queue.some(({ start }) => start % 10 === 0)
        await adding().settle(state, (...signal) => {
          for (let i = 0; i < (isMuch ? 200 : 1); i++) emit(...signal)
        })
      },
    }
    await it.fill([])
    const running = await runStage(it.hostOn(it.log, { now: () => now, checkpointMs: 1 }), stage)
    /** Whether a checkpoint was begun with a batch at this time. */
    const savedAt = async (at: number, record: Milestone) => {
      now = at
      const before = (await it.readAll(topicOf(RUN, 'checkpoints'))).length
      await it.log.append([{ topic: INPUT, key: 'k', value: it.codec.encode(record) }])
      await it.drained()
      await sleep(50)
      return (await it.readAll(topicOf(RUN, 'checkpoints'))).length > before
    }
    expect(await savedAt(100_000, input(10))).toBe(false)
    expect(await savedAt(100_500, input(1))).toBe(false)
    expect(await savedAt(102_500, input(2))).toBe(false)
    expect(await savedAt(104_000, input(20))).toBe(false)
    expect(await savedAt(105_500, input(3))).toBe(true)
    expect(await savedAt(118_000, input(4))).toBe(true)
    await running.stop()
  })

  test('a wait while a checkpoint is written is no reason to put off the next', async () => {
    let refusals = 4
    const away: EventLog = {
      ...it.log,
      async append(records) {
        const isCheckpoint = records[0]!.topic === topicOf(RUN, 'checkpoints')
        // Some 0.75 s in all: at a twentieth of the time, the next would come 15 s later.
        if (isCheckpoint && refusals-- > 0) throw new FcmError('KAFKA_UNREACHABLE', { why: 'it is away' })
        await it.log.append(records)
      },
    }
    await it.fill([input(0)])
    const running = await runStage(it.hostOn(away), adding())
    const manifests = async () =>
      (await it.readAll(topicOf(RUN, 'checkpoints'))).filter(
        ({ key, value }) => value && key.endsWith('manifest'),
      ).length
    const wanted = { timeout: 6000 }
    await expect.poll(manifests, wanted).toBe(1)
    for (let start = 1; (await manifests()) < 2; start++) {
      expect(start).toBeLessThan(60)
      await it.log.append([{ topic: INPUT, key: 'k', value: it.codec.encode(input(start)) }])
      await sleep(50)
    }
    await running.stop()
  })
})
