/**
 * The whole topology: the same activity gives the same counts, signals and alerts in any batches, on any partitions, through
 * any restarts.
 */
import { beforeAll, describe, expect, test } from 'vitest'
import { DAY } from '../../common/time.ts'
import { placed, polled, whole } from '../../connectors/farcaster/activity.fixture.ts'
import type { FcmRecord } from '../../schemas/records.ts'
import { countStage } from '../stages/count/count.ts'
import { detectStage } from '../stages/detect/detect.ts'
import { scoring } from '../stages/detect/testing.ts'
import { sumStage } from '../stages/sum.ts'
import { byKey } from './drive.ts'
import { createPipeline, type Placed } from './pipeline.ts'

type Options = { partitions: number; batch: number; restart?: boolean }

/** Everything that comes out, by topic and key; partial sums are the partitions' own affair. */
async function process(
  activity: () => ReturnType<typeof whole>,
  { partitions, ...options }: Options,
): Promise<Map<string, FcmRecord[]>> {
  const stages = [countStage(), sumStage(), detectStage({ run: 'live', scoring })]
  const pipeline = createPipeline(stages, { partitions, ...options })
  const outputs: { key: string; topic: string; record: FcmRecord }[] = []
  let waiting: Placed[] = []
  const flush = async () => {
    for (const one of await pipeline.write('activity', waiting)) {
      if (one.topic !== 'partials') outputs.push({ ...one, key: `${one.topic} ${one.key}` })
    }
    waiting = []
  }
  for (const said of activity()) {
    waiting.push(...placed(said, partitions))
    if (waiting.length >= options.batch) await flush()
  }
  await flush()
  return byKey(outputs as never)
}

describe.each([
  ['one who sees all', whole],
  ['one who polls', polled],
] as const)('%s', (_, activity) => {
  let expected: Map<string, FcmRecord[]>
  beforeAll(async () => {
    expected = await process(activity, { partitions: 1, batch: 1000 })
  })

  test('has all there is to compare', () => {
    const types = new Set([...expected.values()].flat().map(({ type }) => type))
    const late = activity === whole ? ['Late'] : []
    expect([...types].sort()).toEqual(
      ['AlertEvent', 'BinClosed', 'Idle', 'Milestone', 'Signal', 'Unknown', ...late].sort(),
    )
  })

  test.for<Options>([
    { partitions: 1, batch: 1 },
    { partitions: 8, batch: 7 },
    { partitions: 3, batch: 1000 },
    { partitions: 8, batch: 5000, restart: true },
  ])('%o', async (options) => {
    expect(await process(activity, options)).toEqual(expected)
  })
})

test('a record that goes to the wrong topic is refused', async () => {
  const record: FcmRecord = { type: 'Idle', measure: 'posts', from: DAY }
  await expect(createPipeline([countStage()]).write('activity', [{ key: 'c', record }])).rejects.toThrow(
    'Idle does not belong in activity',
  )
})

test('what a stage says of its state is added up over its partitions', async () => {
  const pipeline = createPipeline([countStage()], { partitions: 4 })
  for (const records of whole()) {
    await pipeline.write(
      'activity',
      records.flatMap((one) => ('key' in one ? one : [])),
    )
    break
  }
  expect(pipeline.gauges('count').channels).toBeGreaterThan(2)
  expect(pipeline.gauges('sum')).toEqual({})
})
