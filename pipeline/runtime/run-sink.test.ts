import { Registry } from 'prom-client'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FcmError } from '../../common/errors.ts'
import type { FcmRecord, Milestone } from '../../schemas/records.ts'
import { parseDeadLetter } from '../log/dead-letter.ts'
import type { Rec } from '../log/port.ts'
import { topicOf, topicSpecs } from '../topology.ts'
import { createMetrics } from './host.ts'
import { decisions } from './latency.ts'
import { runSink } from './run-sink.ts'
import { alertEvent, type Bench, INPUT, input, openBench, RUN, STORE } from './testing.ts'

let it: Bench
beforeEach(async () => {
  it = await openBench()
})
afterEach(() => it.close())

describe('a sink', () => {
  test('gets everything once it answers again, in order', async () => {
    await it.fill(Array.from({ length: 20 }, (_, i) => input(i)))
    const got: number[] = []
    let refusals = 2
    const running = await runSink(it.hostOn(it.log), {
      ...STORE,
      async write(records) {
        if (refusals-- > 0) throw new FcmError('DATABASE_UNREACHABLE', { why: 'starting' })
        got.push(...records.map(({ record }) => (record as Milestone).start))
        return { rejected: [] }
      },
    })
    await it.drained(undefined, 'store')
    await running.stop()
    expect(got).toEqual(Array.from({ length: 20 }, (_, i) => i))
  })

  test('what it rejects is dead-lettered, beside what can not be decoded, and the rest goes on', async () => {
    await it.fill([input(1), Buffer.from('not avro'), input(2), input(3)])
    const running = await runSink(it.hostOn(it.log), {
      ...STORE,
      write: async (records) => ({
        rejected: records.flatMap(({ record }, index) =>
          (record as Milestone).start === 2 ? [{ index, why: 'it is the second' }] : [],
        ),
      }),
    })
    await it.drained(undefined, 'store')
    await running.stop()
    const letters = (await it.readAll(topicOf(RUN, 'dead-letters'))).map((rec) => parseDeadLetter(rec)!)
    expect(letters.map(({ source }) => source)).toEqual([1, 2].map((offset) => `${INPUT}/0/${offset}`))
    expect(letters[1]!.reason).toMatch(/^store: .*it is the second/)
    expect(it.codec.decode(letters[1]!.value!)).toEqual(input(2))
  })

  test('goes on behind what it committed', async () => {
    await it.fill([input(1), input(2)])
    const got: number[] = []
    const sink = {
      ...STORE,
      write: async (records: { record: FcmRecord }[]) => {
        got.push(...records.map(({ record }) => (record as Milestone).start))
        return { rejected: [] }
      },
    } as const
    for (const more of [[], [input(3)]]) {
      await it.fill(more)
      const running = await runSink(it.hostOn(it.log), sink)
      await it.drained(undefined, 'store')
      await running.stop()
    }
    expect(got).toEqual([1, 2, 3])
  })

  test('gathers what trickles in, but for alerts, and stops without waiting for more', async () => {
    await it.log.ensureTopics(topicSpecs(RUN, 1))
    const writes: string[] = []
    const running = await runSink(it.hostOn(it.log, { batchSize: 1000 }), {
      ...STORE,
      async write(records) {
        writes.push(...new Set(records.map(({ record }) => record.type)))
        return { rejected: [] }
      },
    })
    const of = (type: FcmRecord['type']) => writes.filter((written) => written === type).length
    for (let n = 1; n <= 20; n++) {
      await it.log.append([
        { topic: INPUT, key: 'k', value: it.codec.encode(input(n)) },
        { topic: topicOf(RUN, 'alerts'), key: 'k', value: it.codec.encode(alertEvent(n)) },
      ])
      while (of('AlertEvent') < n) await new Promise((wake) => setImmediate(wake))
    }
    expect(of('Milestone')).toBeLessThan(20)
    await running.stop()
    const committed = await it.log.committed(`fcm.${RUN}.store`, INPUT)
    expect(committed.get(0)).toBeGreaterThan(0)
  })

  test('tells how long each alert took, and of what parts that is made', async () => {
    await it.log.ensureTopics(topicSpecs(RUN, 1))
    const now = Date.now() + 10_000
    const registry = new Registry()
    const told: unknown[] = []
    const tell = (decided: unknown) => void told.push(decided)
    decisions.subscribe(tell)
    const running = await runSink(it.hostOn(it.log, { metrics: createMetrics(registry), now: () => now }), {
      ...STORE,
      write: async () => ({ rejected: [{ index: 1, why: 'no' }] }),
    })
    const topic = topicOf(RUN, 'alerts')
    const headers = { trail: `count@${now - 10_400} sum@${now - 10_300} detect@${now - 10_200}` }
    const values = [alertEvent(1), alertEvent(2)].map((event) => it.codec.encode(event))
    await it.log.append(values.map((value) => ({ topic, key: 'k', value, headers })))
    while (told.length === 0) await new Promise((wake) => setImmediate(wake))
    await running.stop()
    decisions.unsubscribe(tell)
    const [{ time }] = (await it.readAll(topic)) as [Rec]
    const parts = { count: 200, detect: time - (now - 10_200), store: now - time }
    expect(told).toEqual([{ run: RUN, total: 10_400, parts }])
    expect(await registry.metrics()).toMatch(/fcm_decision_seconds_sum\{run="test"\} 10\.4\n/)
    expect(await registry.metrics()).toMatch(/fcm_decision_part_seconds_count\{run="test",hop="store"\} 1\n/)
  })
})
