/** The stages together: the same activity gives the same counts, signals and alerts in any batches, on any partitions. */
import { beforeAll, expect, test } from 'vitest'
import { BASE } from '../../common/time.ts'
import { createStamp } from '../../connectors/farcaster/stamp.ts'
import { DEFAULT_START, simulate } from '../../models/simulation/simulate.ts'
import type { FcmRecord } from '../../schemas/records.ts'
import { partitionOf } from '../log/partitioner.ts'
import type { Input } from '../runtime/stage.ts'
import { countStage } from './count/count.ts'
import { detectStage } from './detect/detect.ts'
import { scoring } from './detect/testing.ts'
import { byKey, type Drive, drive, type Output } from './harness.ts'
import { sumStage } from './sum.ts'

const BINS = 1.6 * 288

/** Activity as a source writes it: each bin's records, and behind them what covers it, in every partition. */
function activity(partitions: number): Input[][] {
  const { stamp } = createStamp()
  const logs: Input[][] = Array.from({ length: partitions }, () => [])
  for (const { start, messages } of simulate({ seed: 1, liveAt: DEFAULT_START + 30 * BASE })) {
    if (start >= DEFAULT_START + BINS * BASE) return logs
    for (const message of messages) {
      const { channel, record } = stamp(message)
      logs[partitionOf(Buffer.from(channel), partitions)]!.push({ key: channel, record })
    }
    for (const log of logs) {
      const record: FcmRecord = {
        type: 'Coverage',
        status: 'complete',
        measures: ['posts', 'replies', 'reactions'],
        from: start,
        to: start + BASE,
        reason: null,
        partitions,
      }
      log.push({ key: '*', record })
    }
  }
  return logs
}

/** Everything that comes out, by topic and key; partial sums are the partitions' own affair. */
async function process(partitions: number, options: Drive): Promise<Map<string, FcmRecord[]>> {
  const counts: Output[] = []
  for (const [partition, log] of activity(partitions).entries()) {
    counts.push(...(await drive(countStage(), log, { ...options, partition })))
  }
  const partials = counts.filter(({ topic }) => topic === 'partials')
  counts.push(...(await drive(sumStage(), partials, options)))
  const judged: Output[] = []
  for (let partition = 0; partition < partitions; partition++) {
    const mine = counts.filter(({ key }) => partitionOf(Buffer.from(key), partitions) === partition)
    judged.push(...(await drive(detectStage({ run: 'live', scoring }), mine, { ...options, partition })))
  }
  const all = [...counts.filter(({ record }) => record.type !== 'Partial'), ...judged]
  return byKey(all.map((output) => ({ ...output, key: `${output.topic} ${output.key}` })))
}

let expected: Map<string, FcmRecord[]>
beforeAll(async () => {
  expected = await process(1, { batch: 1000 })
}, 60_000)

test('it has counts, signals and alerts to compare', () => {
  const types = new Set([...expected.values()].flat().map(({ type }) => type))
  expect([...types].sort()).toEqual(['AlertEvent', 'BinClosed', 'Milestone', 'Signal'])
})

test.for<[number, Drive]>([
  [1, { batch: 1 }],
  [8, { batch: 7 }],
  [3, { batch: 1000 }],
  [8, { batch: 5000, restart: true }],
])('%i partitions, %o', { timeout: 60_000 }, async ([partitions, options]) => {
  expect(await process(partitions, options)).toEqual(expected)
})
