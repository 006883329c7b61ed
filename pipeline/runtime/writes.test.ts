/** In which order, in which pieces and with which headers what a stage says comes to the log. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Signal } from '../../schemas/records.ts'
import type { EventLog } from '../log/port.ts'
import { topicOf } from '../topology.ts'
import { runStage } from './run-stage.ts'
import type { Stage } from './stage.ts'
import {
  adding,
  alertEvent,
  type Bench,
  INPUT,
  input,
  OUTPUT,
  openBench,
  RUN,
  type Sum,
  signal,
} from './testing.ts'

let it: Bench
beforeEach(async () => {
  it = await openBench()
})
afterEach(() => it.close())

describe('a stage', () => {
  test('sends an alert ahead of what explains it', async () => {
    await it.fill([input(1)])
    const appends: string[] = []
    const over: EventLog = {
      ...it.log,
      async append(records) {
        const topics = new Set(records.map(({ topic }) => topic.split('.').at(-1)))
        appends.push(`${[...topics]} begun`)
        await it.log.append(records)
        appends.push(`${[...topics]} done`)
      },
    }
    const stage: Stage<'detect', Sum> = {
      ...adding(),
      async settle(state, emit) {
        await adding().settle(state, (...signal) => {
          emit(...signal)
          emit('alerts', 'k', alertEvent(1))
          emit(...signal)
        })
      },
    }
    const running = await runStage(it.hostOn(over, { checkpointMs: 60_000 }), stage)
    await it.drained()
    expect(appends).toEqual(['alerts begun', 'alerts done', 'signals begun', 'signals done'])
    await running.stop()
    expect((await it.readAll(topicOf(RUN, 'alerts'))).length).toBe(1)
    expect((await it.readAll(OUTPUT)).length).toBe(2)
  })

  test('what one record causes is appended in slices, in order', async () => {
    await it.fill([input(1)])
    const sizes: number[] = []
    const over: EventLog = {
      ...it.log,
      async append(records) {
        if (records[0]?.topic === OUTPUT) sizes.push(records.length)
        await it.log.append(records)
      },
    }
    const stage: Stage<'detect', Sum> = {
      ...adding(),
      async settle(state, emit) {
        if (state.queue.length > 0) for (let i = 0; i < 12_000; i++) emit('signals', 'k', signal(i, 0))
        state.queue = []
      },
    }
    const running = await runStage(it.hostOn(over, { checkpointMs: 60_000 }), stage)
    await it.drained()
    await running.stop()
    expect(sizes).toEqual([5000, 5000, 2000])
    const starts = (await it.readAll(OUTPUT)).map(({ value }) => (it.codec.decode(value!) as Signal).start)
    expect(starts).toEqual(Array.from({ length: 12_000 }, (_, i) => i))
  })

  test('gives alerts a head start before much that explains them', async () => {
    await it.fill([input(1)])
    const appended = new Map<string, number>()
    const over: EventLog = {
      ...it.log,
      async append(records) {
        appended.set(records[0]!.topic, performance.now())
        await it.log.append(records)
      },
    }
    const stage: Stage<'detect', Sum> = {
      ...adding(),
      async settle(state, emit) {
        await adding().settle(state, (...signal) => {
          for (let i = 0; i < 200; i++) emit(...signal)
          emit('alerts', 'k', alertEvent(1))
        })
      },
    }
    const running = await runStage(it.hostOn(over, { checkpointMs: 60_000 }), stage)
    await it.drained()
    await running.stop()
    expect(appended.get(OUTPUT)! - appended.get(topicOf(RUN, 'alerts'))!).toBeGreaterThan(40)
    expect((await it.readAll(OUTPUT)).length).toBe(200)
  })

  test('what it writes carries when its input was appended', async () => {
    await it.fill([input(1), input(2)])
    await it.runThrough()
    const [first] = await it.readAll(INPUT)
    for (const rec of await it.readAll(OUTPUT))
      expect(rec.headers).toEqual({ trail: `detect@${first!.time}` })
    expect(await it.readAll(OUTPUT)).toHaveLength(2)
  })
})
