/**
 * The topology without a broker: stages of your choice, fed from the topics that others write, as they would be in production,
 * in this process and in memory. For tests, evaluations, and whoever tries a stage or a detector of his own:
 *
 *     const pipeline = createPipeline([countStage(), sumStage(), detectStage({ run: 'trial', scoring })], { partitions: 8 })
 *     const outputs = await pipeline.write('activity', [{ key: 'https://example.org', record }])
 *
 * Nothing is kept but the stages' states: what they write is returned, and forgotten once those that read it have.
 */
import { partitionOf } from '../log/partitioner.ts'
import type { Input, Stage } from '../runtime/stage.ts'
import { partitionsOf, type StageRole, standing, type Topic, topology } from '../topology.ts'
import { type Drive, driven, type Output } from './drive.ts'

/** Without a partition, the key decides, as in production. */
export type Placed = Input & { partition?: number }

export type Pipeline = {
  /**
   * Appends records to a topic, and lets the stages process all there is, upstream first. Returns what they wrote; of each
   * topic and key in the order in which it would stand there.
   * @throws Error where a record does not belong on the topic that it is written to
   */
  write(topic: Topic, records: readonly Placed[]): Promise<Output[]>
  /** What a stage says of its state, added up over its partitions. */
  gauges(stage: StageRole): Record<string, number>
}

// biome-ignore lint/suspicious/noExplicitAny: states are nobody's business but their stages'
type AnyStage = { [Name in StageRole]: Stage<Name, any> }[StageRole]

/** `partitions`: of topics that are divided. */
export function createPipeline(
  stages: readonly AnyStage[],
  { partitions = 1, ...options }: Omit<Drive, 'partition'> & { partitions?: number } = {},
): Pipeline {
  const upstreamFirst = Object.keys(topology)
  const running = stages
    .toSorted((a, b) => upstreamFirst.indexOf(a.name) - upstreamFirst.indexOf(b.name))
    .map((stage) => {
      const [reads] = topology[stage.name].reads
      const tasks = Array.from({ length: partitionsOf(reads, partitions) }, (_, partition) => ({
        stage: driven(stage as Stage<StageRole, unknown>, { ...options, partition }),
        waiting: [] as Input[],
      }))
      return { name: stage.name, reads, tasks }
    })

  function append(topic: Topic, { key, record, partition }: Placed): void {
    if (standing(topic, record.type) !== 'belongs')
      throw new Error(`${record.type} does not belong in ${topic}`)
    const place = partition ?? partitionOf(Buffer.from(key), partitionsOf(topic, partitions))
    for (const { reads, tasks } of running) if (reads === topic) tasks[place]!.waiting.push({ key, record })
  }

  return {
    async write(topic, records) {
      const outputs: Output[] = []
      for (const record of records) append(topic, record)
      for (;;) {
        const next = running.find(({ tasks }) => tasks.some(({ waiting }) => waiting.length > 0))
        if (!next) return outputs
        for (const task of next.tasks) {
          const made = await task.stage.take(task.waiting.splice(0))
          for (const output of made) append(output.topic, output)
          outputs.push(...made)
        }
      }
    },

    gauges(name) {
      const sums: Record<string, number> = {}
      for (const { stage } of running.filter((one) => one.name === name).flatMap(({ tasks }) => tasks)) {
        for (const [figure, value] of Object.entries(stage.gauges()))
          sums[figure] = (sums[figure] ?? 0) + value
      }
      return sums
    },
  }
}
