import { setTimeout as sleep } from 'node:timers/promises'
import type { NewRec, Rec } from '../log/port.ts'
import { type StageRole, topicOf, topology } from '../topology.ts'
import { checkpointing } from './checkpointing.ts'
import { checkpointsOf } from './checkpoints.ts'
import { decodeBatch, reject } from './decode.ts'
import { type Host, patiently } from './host.ts'
import { restore } from './restore.ts'
import type { Emit, InputOf, Output, Stage } from './stage.ts'
import { trailHeaders } from './trail.ts'

/**
 * Commits are for who looks on: a stage goes on from its checkpoints. One for each batch would be more work for a broker than
 * the records are.
 */
const COMMIT_MS = 100
/** Outputs are encoded and appended by so many: one record may cause some for every channel there is. */
const SLICE = 5000
/** So often it is said how far a rebuild is. */
const TELL_MS = 10_000

/** One partition of a stage's input in the hands of this process: its state, and how far it has come. */
export type Task = {
  /** Offset of the first record to be handled. */
  from: number
  handle(recs: Rec[]): Promise<void>
  /** Ends with a checkpoint. */
  close(): Promise<void>
}

/** `commit` tells the group how far it is. */
export async function openTask<Name extends StageRole, State>(
  host: Host,
  stage: Stage<Name, State>,
  partition: number,
  commit: (offset: number) => Promise<void>,
): Promise<Task> {
  const { run, log, codec, metrics } = host
  const role = stage.name
  const [reads] = topology[role].reads
  const topic = topicOf(run, reads)
  const labels = { run, role, topic }
  const held = metrics.held({ ...labels, partition })
  held.restoring(0, 0)
  const checkpoints = checkpointsOf({
    ...{ log, topic: topicOf(run, 'checkpoints'), stage: role, version: stage.version, partition },
  })
  const ends = async () => {
    const all = await log.ends(topic)
    return all.find((end) => end.partition === partition) ?? { partition, first: 0, next: 0 }
  }
  const beginning = await patiently(host, role, () =>
    restore(stage, partition, checkpoints, ends, held.restoring),
  ).catch((error) => {
    held.gone()
    throw error
  })
  const { state, next: from, how } = beginning
  held.restored(how === 'rebuilds' ? null : beginning.from)
  host.logger.info({ run, role, partition, offset: from }, how)
  const saving = checkpointing(host, stage, checkpoints, held)
  /** Offset of the next record. */
  let next = from
  let { rebuild } = beginning
  let toldAt = host.now()
  tellRebuild()
  /** A commit is about to be made, of `next` as it will be then. */
  let committing = false
  /** Resolves when all commits and checkpoints that were begun have ended; `failed`: one of them did not go well. */
  let begun: Promise<unknown> = Promise.resolve()
  let failed: { error: unknown } | undefined

  function tellRebuild(): void {
    if (!rebuild) return
    const { from, to } = rebuild
    const done = to > from ? Math.min(1, (next - from) / (to - from)) : 1
    held.rebuilding(done)
    const isOver = next >= to
    if (isOver) rebuild = undefined
    if (!isOver && next > from && host.now() - toldAt < TELL_MS) return
    toldAt = host.now()
    const share = `${Math.floor(done * 100)} %`
    host.logger.info({ run, role, partition, offset: next, to, share }, isOver ? 'rebuilt' : 'rebuilding')
  }

  async function handle(recs: Rec[]): Promise<void> {
    const silent = rebuild?.silent ? rebuild : undefined
    const before = silent ? recs.filter(({ offset }) => offset < silent.to) : []
    if (before.length > 0) await process(before, false)
    if (before.length < recs.length) await process(recs.slice(before.length), true)
  }

  async function process(recs: Rec[], isAloud: boolean): Promise<void> {
    if (failed) throw failed.error
    const made: Output<Name>[] = []
    const emit: Emit<Name> = (...output) => {
      if (isAloud) made.push(output)
    }
    const { decoded, rejected } = await decodeBatch(host, role, reads, recs)
    for (const { rec, record } of decoded) {
      try {
        stage.apply(state, { key: rec.key, record } as InputOf<Name>)
      } catch (error) {
        rejected.push(reject(host, role, rec, error))
      }
    }
    await stage.settle(state, emit)
    await write(made, trailHeaders(recs, role), rejected, recs.length === host.batchSize)

    next = recs.at(-1)!.offset + 1
    tellRebuild()
    saving.wrote(made.length)
    if (saving.isDue()) aside(save)
    if (!committing) aside(commitSoon)
    metrics.records.inc(labels, recs.length)
    metrics.hop.observe(labels, Math.max(0, host.now() - recs[0]!.time) / 1000)
  }

  /** What is urgent waits neither for the encoding of all else nor for that to be sent. */
  async function write(
    made: Output<Name>[],
    headers: Record<string, string>,
    rejected: NewRec[],
    isBehind: boolean,
  ): Promise<void> {
    const encode = ([to, key, record]: Output<Name>): NewRec => ({
      ...{ topic: topicOf(run, to), key, value: codec.encode(record), headers },
    })
    const { burst, urgent: { topics = [], headStartMs = 0 } = {} } = stage.pace ?? { burst: 0 }
    const isUrgent = ([to]: Output<Name>) => topics.includes(to)
    const urgent = made.filter(isUrgent)
    const rest = urgent.length > 0 ? made.filter((output) => !isUrgent(output)) : made
    await append(urgent.map(encode))
    if (urgent.length > 0 && rest.length >= burst && !isBehind) await sleep(headStartMs)
    for (let at = 0; at < rest.length; at += SLICE) await append(rest.slice(at, at + SLICE).map(encode))
    await append(rejected)
  }

  async function append(records: NewRec[]): Promise<void> {
    if (records.length > 0) await patiently(host, role, () => log.append(records))
  }

  async function commitSoon(): Promise<void> {
    committing = true
    await sleep(COMMIT_MS)
    committing = false
    await patiently(host, role, () => commit(next))
  }

  const save = (): Promise<void> => saving.save(state, next, rebuild)

  /** What the next batch need not wait for. If it fails, the next batch does, or the end. */
  function aside(work: () => Promise<void>): void {
    const done = work().catch((error) => {
      failed ??= { error }
    })
    // Without their results, which would hang together for ever.
    begun = Promise.all([begun, done]).then(() => {})
  }

  return {
    from,
    handle: (recs) => held.handling(() => handle(recs)),
    async close() {
      await begun
      if (failed) throw failed.error
      await save()
      held.gone()
    },
  }
}
