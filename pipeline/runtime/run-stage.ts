import { setTimeout as sleep } from 'node:timers/promises'
import type { NewRec, Rec, TopicPartition } from '../log/port.ts'
import { groupOf, type StageRole, topicOf, topology, URGENT } from '../topology.ts'
import { type Checkpoints, checkpointsOf } from './checkpoints.ts'
import { decodeBatch, reject } from './decode.ts'
import type { Held } from './held.ts'
import { type Host, patiently, type Running } from './host.ts'
import type { Emit, InputOf, Output, Stage } from './stage.ts'
import { trailHeaders } from './trail.ts'

/** Checkpoints may take this share of the time: encoding a large state holds up its partition. */
const CHECKPOINT_SHARE = 0.05

/**
 * Nor do they begin within a second of a batch that wrote so much: bins have closed, and what was decided on them is on its
 * way. Where that happens every few seconds they begin in the second after that one, so as to be done before it happens
 * again. A stage that never rests is made to wait no longer than `PATIENCE_MS`.
 */
const BUSY_OUTPUTS = 100
const CALM_MS = 1000
const PATIENCE_MS = 10_000

/**
 * So long alerts have the cores for themselves before what explains them, if that is much, is encoded, sent and read: they are
 * being stored, and other partitions of the same close are deciding theirs.
 */
const HEAD_START_MS = 50

/**
 * Commits are for who looks on: a stage goes on from its checkpoints. One for each batch would be more work for a broker than
 * the records are.
 */
const COMMIT_MS = 100

/** One partition's state, and how far it has come. */
type Task<State> = {
  state: State
  checkpoints: Checkpoints<State>
  held: Held
  /** Offset of the next record. */
  next: number
  savedAt: number
  nextSaveMs: number
  saving: boolean
  /** When it last wrote much. */
  busyAt: number
  /** A commit is about to be made, of `next` as it will be then. */
  committing: boolean
  /** Resolves when all commits and checkpoints that were begun have ended; `failed`: one of them did not go well. */
  begun: Promise<unknown>
  failed: { error: unknown } | undefined
}

/**
 * Runs a stage over the partitions of its input that fall to this process. A partition begins at its last checkpoint;
 * outputs are durable before the checkpoint or the commit that says so. What was done again after a crash comes out
 * again with the same identities, and readers pass over it.
 */
export async function runStage<Name extends StageRole, State>(
  host: Host,
  stage: Stage<Name, State>,
): Promise<Running> {
  const { run, log, codec, metrics } = host
  const role = stage.name
  const [reads] = topology[role].reads
  const topic = topicOf(run, reads)
  const labels = { run, role, topic }
  const tasks = new Map<number, Task<State>>()
  // Who watches it rise has to have seen it at zero.
  metrics.deadLetters.inc(labels, 0)

  async function open({ partition }: TopicPartition): Promise<number> {
    const held = metrics.held({ ...labels, partition })
    held.restoring(0, 0)
    const checkpoints = checkpointsOf<State>({
      log,
      topic: topicOf(run, 'checkpoints'),
      stage: stage.name,
      version: stage.version,
      partition,
    })
    const restored = await patiently(host, role, () => checkpoints.restore(held.restoring))
    // Without a checkpoint all that is kept is read; what retention took before is not missed by anyone.
    const ends = await patiently(host, role, () => log.ends(topic))
    const first = ends.find((end) => end.partition === partition)?.first ?? 0
    const task: Task<State> = {
      state: restored?.state ?? stage.initial(partition),
      checkpoints,
      held,
      next: restored?.offset ?? first,
      // Each at a time of its own: encoding takes tens of milliseconds, and they would all come together.
      savedAt: host.now() - Math.random() * host.checkpointMs,
      nextSaveMs: host.checkpointMs,
      saving: false,
      busyAt: Number.NEGATIVE_INFINITY,
      committing: false,
      begun: Promise.resolve(),
      failed: undefined,
    }
    tasks.set(partition, task)
    held.restored(restored)
    // It may have been killed between checkpoint and commit; without this, it would look behind until the next record.
    subscription.then((s) => s.commit({ topic, partition }, task.next)).catch(() => {})
    host.logger.info({ run, role, partition, offset: task.next }, restored ? 'restored' : 'begins')
    return task.next
  }

  function process(recs: Rec[], tp: TopicPartition): Promise<void> {
    const task = tasks.get(tp.partition)!
    return task.held.handling(() => handle(task, recs, tp))
  }

  async function handle(task: Task<State>, recs: Rec[], tp: TopicPartition): Promise<void> {
    if (task.failed) throw task.failed.error
    const made: Output[] = []
    const headers = trailHeaders(recs, role)
    const emit: Emit<Name> = (...output) => {
      made.push(output as Output)
    }
    const encode = ([topic, key, record]: Output): NewRec => ({
      ...{ topic: topicOf(run, topic), key, value: codec.encode(record), headers },
    })
    const { decoded, rejected } = await decodeBatch(host, role, reads, recs)
    for (const { rec, record } of decoded) {
      try {
        stage.apply(task.state, { key: rec.key, record } as InputOf<Name>)
      } catch (error) {
        rejected.push(reject(host, role, rec, error))
      }
    }
    await stage.settle(task.state, emit)
    // An alert waits neither for the encoding of what explains it nor for that to be sent.
    const urgent = made.filter(([topic]) => topic === URGENT)
    const rest = made.filter(([topic]) => topic !== URGENT)
    await append(urgent.map(encode))
    const isBehind = recs.length === host.batchSize
    if (urgent.length > 0 && rest.length >= BUSY_OUTPUTS && !isBehind) await sleep(HEAD_START_MS)
    await append([...rest.map(encode), ...rejected])

    task.next = recs.at(-1)!.offset + 1
    if (made.length >= BUSY_OUTPUTS) task.busyAt = host.now()
    if (isDue(task)) aside(task, () => save(task))
    if (!task.committing) aside(task, () => commit(task, tp))
    metrics.records.inc(labels, recs.length)
    metrics.hop.observe(labels, Math.max(0, host.now() - recs[0]!.time) / 1000)
  }

  async function append(records: NewRec[]): Promise<void> {
    if (records.length > 0) await patiently(host, role, () => log.append(records))
  }

  async function commit(task: Task<State>, tp: TopicPartition): Promise<void> {
    task.committing = true
    await sleep(COMMIT_MS)
    task.committing = false
    await patiently(host, role, async () => (await subscription).commit(tp, task.next))
  }

  function isDue({ saving, savedAt, nextSaveMs, busyAt }: Task<State>): boolean {
    const overdue = host.now() - savedAt - nextSaveMs
    const calm = host.now() - busyAt
    const isCalm = calm >= CALM_MS && (calm < 2 * CALM_MS || calm >= PATIENCE_MS)
    return !saving && overdue >= 0 && (isCalm || overdue >= PATIENCE_MS)
  }

  /** Encodes the state at once; what takes long is the writing. */
  async function save(task: Task<State>): Promise<void> {
    let began = performance.now()
    const offset = task.next
    const figures = stage.gauges?.(task.state) ?? {}
    task.saving = true
    const bytes = await task.checkpoints.save(task.state, offset, (write) => {
      const encoding = performance.now() - began
      return patiently(host, role, () => {
        // What failed, and the wait for something that is away, is no cost of checkpoints.
        began = performance.now() - encoding
        return write()
      })
    })
    task.saving = false
    task.savedAt = host.now()
    task.nextSaveMs = Math.max(host.checkpointMs, (performance.now() - began) / CHECKPOINT_SHARE)
    metrics.checkpoints.inc({ run, role })
    task.held.saved({ offset, bytes, time: task.savedAt }, figures)
  }

  /** What the next batch need not wait for. If it fails, the next batch does, or the end. */
  function aside(task: Task<State>, work: () => Promise<void>): void {
    const done = work().catch((error) => {
      task.failed ??= { error }
    })
    // Without their results, which would hang together for ever.
    task.begun = Promise.all([task.begun, done]).then(() => {})
  }

  async function close({ partition }: TopicPartition): Promise<void> {
    const task = tasks.get(partition)
    if (!task) return
    tasks.delete(partition)
    await task.begun
    if (task.failed) throw task.failed.error
    await save(task)
    task.held.gone()
  }

  // A promise, since the first batch may come before the subscription is ours.
  const subscription = patiently(host, role, () =>
    log.subscribe({
      group: groupOf(run, role),
      topics: [topic],
      batchSize: host.batchSize,
      forced: host.forced,
      onAssigned: open,
      onBatch: process,
      onRevoked: close,
      onFailure: host.onFailure,
    }),
  )
  const { stop } = await subscription
  return { stop }
}
