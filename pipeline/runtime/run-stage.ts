import type { NewRec, Rec, TopicPartition } from '../log/port.ts'
import { groupOf, type Role, topicOf } from '../topology.ts'
import { type Checkpoints, checkpointsOf } from './checkpoints.ts'
import { decodeBatch, reject } from './decode.ts'
import { type Host, patiently, type Running } from './host.ts'
import type { Emit, Stage } from './stage.ts'

/** Checkpoints may take this share of the time: encoding a large state holds up its partition. */
const CHECKPOINT_SHARE = 0.05

/** One partition's state, and how far it has come. */
type Task<State> = {
  state: State
  checkpoints: Checkpoints<State>
  /** Offset of the next record. */
  next: number
  savedAt: number
  nextSaveMs: number
}

/**
 * Runs a stage over the partitions of its input that fall to this process. A partition begins at its last checkpoint;
 * outputs are durable before the checkpoint or the commit that says so. What was done again after a crash comes out
 * again with the same identities, and readers pass over it.
 */
export async function runStage<State>(host: Host, stage: Stage<State>): Promise<Running> {
  const { run, log, codec, metrics } = host
  const role = stage.name as Role
  const topic = topicOf(run, stage.input)
  const labels = { run, role, topic }
  const tasks = new Map<number, Task<State>>()

  async function open({ partition }: TopicPartition): Promise<number> {
    const checkpoints = checkpointsOf<State>({
      log,
      topic: topicOf(run, 'checkpoints'),
      stage: stage.name,
      version: stage.version,
      partition,
    })
    const restored = await checkpoints.restore()
    // Without a checkpoint all that is kept is read; what retention took before is not missed by anyone.
    const first = (await log.ends(topic)).find((ends) => ends.partition === partition)?.first ?? 0
    const task = {
      state: restored?.state ?? stage.initial(partition),
      checkpoints,
      next: restored?.offset ?? first,
      savedAt: host.now(),
      nextSaveMs: host.checkpointMs,
    }
    tasks.set(partition, task)
    // It may have been killed between checkpoint and commit; without this, it would look behind until the next record.
    subscription.then((s) => s.commit({ topic, partition }, task.next)).catch(() => {})
    host.logger.info({ run, role, partition, offset: task.next }, restored ? 'restored' : 'begins')
    return task.next
  }

  async function process(recs: Rec[], tp: TopicPartition): Promise<void> {
    const task = tasks.get(tp.partition)!
    const outputs: NewRec[] = []
    const emit: Emit = (to, key, record) => {
      outputs.push({ topic: topicOf(run, to), key, value: codec.encode(record) })
    }
    const read = stage.reads ? recs.filter((rec) => stage.reads!(rec.key)) : recs
    const { decoded, rejected } = await decodeBatch(host, role, read)
    for (const { rec, record } of decoded) {
      try {
        stage.apply(task.state, { key: rec.key, record })
      } catch (error) {
        rejected.push(reject(host, role, rec, error))
      }
    }
    await stage.settle(task.state, emit)
    outputs.push(...rejected)
    if (outputs.length > 0) await patiently(host, role, () => log.append(outputs))

    task.next = recs.at(-1)!.offset + 1
    if (host.now() - task.savedAt >= task.nextSaveMs) await save(tp.partition, task)
    await patiently(host, role, async () => (await subscription).commit(tp, task.next))
    metrics.records.inc(labels, recs.length)
    metrics.hop.observe(labels, Math.max(0, host.now() - recs[0]!.time) / 1000)
  }

  async function save(partition: number, task: Task<State>): Promise<void> {
    const began = performance.now()
    const bytes = await patiently(host, role, () => task.checkpoints.save(task.state, task.next))
    task.savedAt = host.now()
    task.nextSaveMs = Math.max(host.checkpointMs, (performance.now() - began) / CHECKPOINT_SHARE)
    metrics.checkpoints.inc({ run, role })
    metrics.checkpointBytes.set({ run, role, partition }, bytes)
    for (const [figure, value] of Object.entries(stage.gauges?.(task.state) ?? {})) {
      metrics.state.set({ run, role, partition, figure }, value)
    }
  }

  async function close({ partition }: TopicPartition): Promise<void> {
    const task = tasks.get(partition)
    if (!task) return
    tasks.delete(partition)
    await save(partition, task)
  }

  // A promise, since the first batch may come before the subscription is ours.
  const subscription = log.subscribe({
    group: groupOf(run, role),
    topics: [topic],
    batchSize: host.batchSize,
    onAssigned: open,
    onBatch: process,
    onRevoked: close,
    onFailure: host.onFailure,
  })
  const { stop } = await subscription
  return { stop }
}
