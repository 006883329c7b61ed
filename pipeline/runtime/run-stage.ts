import { FcmError } from '../../common/errors.ts'
import type { TopicPartition } from '../log/port.ts'
import { groupOf, type StageRole, topicOf, topology } from '../topology.ts'
import { type Host, patiently, type Running } from './host.ts'
import type { Stage } from './stage.ts'
import { openTask, type Task } from './task.ts'

/**
 * Runs a stage over the partitions of its input that fall to this process. A partition begins at its last checkpoint;
 * outputs are durable before the checkpoint or the commit that says so. What was done again after a crash comes out
 * again with the same identities, and readers pass over it.
 */
export async function runStage<Name extends StageRole, State>(
  host: Host,
  stage: Stage<Name, State>,
): Promise<Running> {
  const { run, log, metrics } = host
  const role = stage.name
  const topic = topicOf(run, topology[role].reads[0])
  const tasks = new Map<number, Task>()
  let isLeaving = false
  // Who watches it rise has to have seen it at zero.
  metrics.deadLetters.inc({ run, role, topic }, 0)

  async function open(tp: TopicPartition): Promise<number> {
    const commit = async (offset: number) => (await subscription).commit(tp, offset)
    const task = await openTask(host, stage, tp.partition, commit).catch(async (error) => {
      if (!(error instanceof FcmError && error.code === 'STATE_VERSION')) throw error
      await leave(error)
      return null
    })
    // It is revoked by now.
    if (!task) return 0
    tasks.set(tp.partition, task)
    // It may have been killed between checkpoint and commit; without this, it would look behind until the next record.
    commit(task.from).catch(() => {})
    return task.from
  }

  /** A newer program shares the group: what this one has it hands over in good order, each with a checkpoint, before it ends. */
  async function leave(error: FcmError): Promise<void> {
    const { stop } = await subscription
    if (isLeaving) return
    isLeaving = true
    stop().then(() => host.onFailure(error), host.onFailure)
  }

  async function close({ partition }: TopicPartition): Promise<void> {
    const task = tasks.get(partition)
    tasks.delete(partition)
    await task?.close()
  }

  // A promise, since the first batch may come before the subscription is ours.
  const subscription = patiently(host, role, () =>
    log.subscribe({
      group: groupOf(run, role),
      topics: [topic],
      batchSize: host.batchSize,
      signal: host.forced,
      onAssigned: open,
      onBatch: (recs, { partition }) => tasks.get(partition)!.handle(recs),
      onRevoked: close,
      onFailure: host.onFailure,
    }),
  )
  const { stop } = await subscription
  return { stop }
}
