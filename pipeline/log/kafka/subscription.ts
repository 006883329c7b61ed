/**
 * One member of a consumer group. kafkajs keeps it in the group and fetches; what is fetched waits in a queue of its
 * partition for the handlers, so that none of them holds up heartbeats, rebalances or other partitions, however long it
 * takes. A partition that has enough waiting is paused, and so is one whose beginning isn't known yet.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Consumer, ConsumerGroupJoinEvent, EachBatchPayload } from 'kafkajs'
import { FcmError } from '../../../common/errors.ts'
import { untilItPasses } from '../../../common/retry.ts'
import { nameOf } from '../assignment.ts'
import type { PartitionEnds, Rec, SubscribeOptions, Subscription, TopicPartition } from '../port.ts'
import { inRange } from '../range.ts'
import { type Client, causesOf, explained, isOfType, OffsetReset, UNKNOWN_TOPIC } from './client.ts'
import { createCommits, isOutside } from './commits.ts'
import { createMember, type Member } from './member.ts'
import { newQueue, put, type Queue, shareOf, take } from './queue.ts'
import { recordOf } from './record.ts'

/** A broker that is away does not answer that we leave either. */
const LEAVE_MS = 5000
/** When kafkajs has given up, we join anew, as long as it may pass. */
const REJOIN_MS = 1000

/** A partition in the hands of this member. */
type Assignment = {
  tp: TopicPartition
  revoked: AbortController
  /** Offset of the next record to come into the queue; undefined: not known yet, nothing is fetched. */
  position: number | undefined
  queue: Queue
  isPaused: boolean
  /** Wakes the handlers' loop when something came into the queue. */
  wake: () => void
  /** Resolves, never rejects, when no handler of it runs any more. */
  done: Promise<void>
}

export type GroupParts = {
  createClient(): Client
  sessionMs: number
  /**
   * What is to stay with a member that was out of the group for a while goes from it and comes anew: another may have had it
   * meanwhile. For work that does not come to the same when two do it.
   */
  comesAnew: boolean
  partitions(topic: string): Promise<number>
  ends(topic: string): Promise<PartitionEnds[]>
  committed(group: string, topic: string): Promise<Map<number, number>>
  /** Partition counts are looked at anew. */
  forget(topics: Iterable<string>): void
}

export async function subscribe(parts: GroupParts, options: SubscribeOptions): Promise<Subscription> {
  const { group, topics, batchSize, signal: forced, onAssigned, onBatch, onRevoked, onFailure } = options
  // Else kafkajs would wait for them.
  for (const topic of topics) await parts.partitions(topic)

  const held = new Map<string, Assignment>()
  /** Of partitions that were taken away: until `onRevoked` is done. They may come back meanwhile. */
  const leaving = new Map<string, Promise<void>>()
  let ended: { by: 'stop' } | { by: 'failure' } | undefined
  let left: Promise<void> | undefined
  /** Our name in the group. */
  let knownAs: string | undefined

  /** The member that kafkajs keeps in the group now; it gives up after some failures, and another begins. */
  let member: Member | undefined

  /** Leaves without a word. Whoever waits for the group, which may itself wait a minute for members that are gone, is let go. */
  function cut(): void {
    member?.cut()
    member = undefined
  }
  const cutting = new Promise<never>((_, reject) => {
    const end = () => {
      cut()
      reject(forced!.reason)
    }
    if (forced?.aborted) end()
    else forced?.addEventListener('abort', end, { once: true })
  })
  cutting.catch(() => {})

  const commits = createCommits(() => {
    const { consumer } = member ?? {}
    return consumer && ((offsets) => Promise.race([consumer.commitOffsets(offsets), cutting]))
  })

  async function join(): Promise<void> {
    const fresh = createMember(
      parts.createClient(),
      { ...parts, group, held: () => [...held.values()].map(({ tp }) => tp) },
      { joined, fetched, confirmed: commits.confirmed, crashed: (error) => void crashed(error) },
    )
    member = fresh
    try {
      await Promise.race([fresh.join(topics), cutting])
      // Until now kafkajs has sent none, and not said so.
      commits.flush().catch(() => {})
    } catch (error) {
      // Another may have begun meanwhile.
      fresh.cut()
      throw await settled(error)
    }
  }

  /** Brokers don't hear of a new topic all at once. */
  async function settled(error: unknown): Promise<unknown> {
    if (!isOfType(error, UNKNOWN_TOPIC)) return explained(error)
    parts.forget(topics)
    for (const topic of topics) await parts.partitions(topic)
    return new FcmError('KAFKA_UNREACHABLE', { why: 'it is settling its topics' }, error)
  }

  /** kafkajs has given up. Handlers go on meanwhile with what they have. */
  async function crashed(error: Error): Promise<void> {
    cut()
    let why = await explainedFully(error)
    while (!ended && why instanceof FcmError && why.retry) {
      await sleep(REJOIN_MS)
      try {
        await join()
        // It may have been told to end meanwhile.
        return ended ? await retire() : undefined
      } catch (again) {
        why = again
      }
    }
    if (!ended) fail(why)
  }

  /** With what kafkajs does not know of: where we stood, and what the log has. */
  async function explainedFully(error: Error): Promise<unknown> {
    const reset = causesOf(error).find((cause) => cause instanceof OffsetReset)
    if (!reset) return explained(error)
    const offset = held.get(nameOf(reset.tp))?.position ?? 0
    const ends = await parts.ends(reset.tp.topic).catch(() => [])
    const { first = 0, next = 0 } = ends[reset.tp.partition] ?? {}
    return new FcmError('OFFSET_OUT_OF_RANGE', { ...reset.tp, offset, first, next }, error)
  }

  const paused = ({ topic, partition }: TopicPartition) => [{ topic, partitions: [partition] }]

  /** Before kafkajs fetches: it has forgotten its offsets, and a new consumer what was paused. */
  function joined({ memberId, memberAssignment }: ConsumerGroupJoinEvent['payload']): void {
    const now = Object.entries(memberAssignment).flatMap(([topic, partitions]) =>
      partitions.map((partition): TopicPartition => ({ topic, partition })),
    )
    const names = new Set(now.map(nameOf))
    // The group gives each that it does not know a new name.
    const wasOut = memberId !== knownAs
    knownAs = memberId
    for (const [name, one] of held) {
      if (!names.has(name) || (parts.comesAnew && wasOut)) release(name, one)
    }
    if (ended) {
      // What nobody takes any more would be fetched again and again.
      for (const tp of now) tell((consumer) => consumer.pause(paused(tp)))
      return
    }
    for (const tp of now) {
      const one = held.get(nameOf(tp))
      if (!one) give(tp)
      else if (one.position === undefined) tell((consumer) => consumer.pause(paused(tp)))
      else {
        const { position, isPaused } = one
        tell((consumer) => consumer.seek({ ...tp, offset: String(position) }))
        if (isPaused) tell((consumer) => consumer.pause(paused(tp)))
      }
    }
    commits.keep(names)
    // What fails now goes with the next.
    commits.flush().catch(() => {})
  }

  function give(tp: TopicPartition): void {
    tell((consumer) => consumer.pause(paused(tp)))
    const one: Assignment = {
      tp,
      revoked: new AbortController(),
      position: undefined,
      queue: newQueue(),
      isPaused: true,
      wake: () => {},
      done: Promise.resolve(),
    }
    held.set(nameOf(tp), one)
    const before = leaving.get(nameOf(tp)) ?? Promise.resolve()
    one.done = before.then(() => deliver(one)).catch(fail)
  }

  /** It is someone else's now. */
  function release(name: string, one: Assignment): void {
    held.delete(name)
    one.revoked.abort()
    one.wake()
    const gone = one.done
      .then(async () => {
        if (ended?.by !== 'failure') await onRevoked?.(one.tp)
      })
      .catch(fail)
      .finally(() => leaving.get(name) === gone && leaving.delete(name))
    leaving.set(name, gone)
  }

  async function deliver(one: Assignment): Promise<void> {
    const { tp, revoked } = one
    const { signal } = revoked
    // It came and went while handlers had it from before.
    if (signal.aborted) return
    const wanted = await onAssigned?.(tp)
    if (signal.aborted) return
    const from = await begin(tp, wanted, signal)
    if (signal.aborted) return
    one.position = from
    tell((consumer) => consumer.seek({ ...tp, offset: String(from) }))
    resume(one)
    while (!signal.aborted) {
      const records = next(one)
      if (records.length > 0) await onBatch(records, tp)
      else await new Promise<void>((resolve) => (one.wake = resolve))
    }
  }

  /** Where to begin. @throws FcmError OFFSET_OUT_OF_RANGE */
  function begin(tp: TopicPartition, wanted: number | undefined, signal: AbortSignal): Promise<number> {
    return untilItPasses(
      async () => {
        const offset = wanted ?? (await parts.committed(group, tp.topic)).get(tp.partition)
        const ends = (await parts.ends(tp.topic))[tp.partition]!
        return inRange(tp, offset ?? ends.first, ends)
      },
      () => {},
      signal,
    ).catch((error) => {
      if (signal.aborted) return 0
      throw error
    })
  }

  const share = (): number => shareOf([...held.values()].map(({ queue }) => queue))

  /** The next batch from the queue. */
  function next(one: Assignment): Rec[] {
    const records = take(one.queue, batchSize)
    if (one.isPaused && one.queue.bytes <= share() / 2) resume(one)
    return records
  }

  function resume(one: Assignment): void {
    one.isPaused = false
    tell((consumer) => consumer.resume(paused(one.tp)))
  }

  /** Outside of the group there is nobody to tell: `joined` tells all when we are in it again. */
  function tell(what: (consumer: Consumer) => void): void {
    try {
      if (member) what(member.consumer)
    } catch (error) {
      if (!isOutside(error)) throw error
    }
  }

  async function fetched({ batch, resolveOffset }: EachBatchPayload): Promise<void> {
    const tp = { topic: batch.topic, partition: batch.partition }
    const one = held.get(nameOf(tp))
    if (one?.position === undefined || one.isPaused) return
    for (const message of batch.messages) {
      // What a fetch that began before a seek has brought is passed over.
      if (Number(message.offset) < one.position) continue
      put(one.queue, recordOf(tp, message))
    }
    one.position = Math.max(one.position, Number(batch.lastOffset()) + 1)
    resolveOffset(batch.lastOffset())
    if (one.queue.bytes > share()) {
      one.isPaused = true
      tell((consumer) => consumer.pause(paused(tp)))
    }
    one.wake()
  }

  function fail(error: unknown): void {
    if (ended?.by === 'failure') return
    ended = { by: 'failure' }
    // At once: handlers of other partitions may take long to end.
    onFailure(error)
    void leave()
  }

  function leave(): Promise<void> {
    for (const [name, one] of held) {
      tell((consumer) => consumer.pause(paused(one.tp)))
      release(name, one)
    }
    left ??= (async () => {
      const isOver = cutting.catch(() => {})
      while (leaving.size > 0 && !forced?.aborted) await Promise.race([Promise.all(leaving.values()), isOver])
      await retire()
    })()
    return left
  }

  async function retire(): Promise<void> {
    const disconnected = member?.consumer.disconnect().catch(() => {})
    await Promise.race([disconnected, cutting.catch(() => {}), sleep(LEAVE_MS, undefined, { ref: false })])
    cut()
  }

  await join()
  return {
    async commit(tp, offset) {
      const name = nameOf(tp)
      // While it stops, the last batches of what it had still count; what was revoked is another's.
      if (!held.has(name) && !(ended && leaving.has(name))) return
      await commits.add(tp, offset)
    },
    stop() {
      ended ??= { by: 'stop' }
      return leave()
    },
  }
}
