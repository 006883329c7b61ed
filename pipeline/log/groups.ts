import { setImmediate as nextTurn } from 'node:timers/promises'
import { FcmError } from '../../common/errors.ts'
import { assign, nameOf } from './assignment.ts'
import type { Rec, SubscribeOptions, Subscription, TopicPartition } from './port.ts'

/** What groups need of the log. */
export type Source = {
  /** undefined: there is no such topic. */
  partitions(topic: string): number | undefined
  first(tp: TopicPartition): number
  committed(group: string, tp: TopicPartition): number | undefined
  commit(group: string, tp: TopicPartition, offset: number): Promise<void>
  /** The next records from `from` on; none when there are none yet. @throws FcmError OFFSET_OUT_OF_RANGE */
  page(tp: TopicPartition, from: number, limit: number): Rec[]
  /** Resolves when records were appended since `page` found none, the topic is deleted, or `signal` aborts. */
  changed(tp: TopicPartition, signal: AbortSignal): Promise<void>
}

/** One partition in the hands of one member. `done` resolves, never rejects, when no handler of it runs any more. */
type Assignment = { tp: TopicPartition; revoked: AbortController; done: Promise<void> }
type Member = {
  options: SubscribeOptions
  assignments: Map<string, Assignment>
  /** Set when the subscription has ended: by `stop`, or with the error that `onFailure` is told. */
  ended: { by: 'stop' } | { by: 'failure'; error: unknown } | null
  /** Resolves when it has left the group. */
  left: Promise<void> | null
}
type Group = { name: string; members: Member[]; rebalanced: Promise<void> }

/** Resolves with `work`, or at once when nothing is to be waited for any longer. */
async function orAborted(work: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (!signal) return work
  const aborted = Promise.withResolvers<void>()
  const end = () => aborted.resolve()
  if (signal.aborted) end()
  else signal.addEventListener('abort', end)
  await Promise.race([work, aborted.promise]).finally(() => signal.removeEventListener('abort', end))
}

/** Groups of subscribers, of a log in this process: who has which partition, and a loop for each partition that hands its records over. */
export function createGroups(source: Source) {
  const groups = new Map<string, Group>()

  async function subscribe(options: SubscribeOptions): Promise<Subscription> {
    const { signal } = options
    signal?.throwIfAborted()
    for (const topic of options.topics) {
      if (source.partitions(topic) === undefined) throw new FcmError('TOPIC_UNKNOWN', { topic })
    }
    const member: Member = { options, assignments: new Map(), ended: null, left: null }
    const group = groups.get(options.group) ?? {
      name: options.group,
      members: [],
      rebalanced: Promise.resolve(),
    }
    groups.set(options.group, group)
    group.members.push(member)
    rebalance(group)
    return {
      async commit(tp, offset) {
        if (member.assignments.has(nameOf(tp))) await source.commit(options.group, tp, offset)
      },
      stop() {
        member.ended ??= { by: 'stop' }
        return orAborted(leave(group, member), signal)
      },
    }
  }

  /** Revokes and assigns until the group is as it should be. One at a time; a later one sees what has changed since. */
  function rebalance(group: Group): Promise<void> {
    group.rebalanced = group.rebalanced.then(async () => {
      const active = group.members.filter((member) => !member.ended)
      const target = targetOf(active)
      const wanted = (member: Member, name: string) =>
        target.get(member)?.some((tp) => nameOf(tp) === name) ?? false
      await Promise.all(
        group.members.flatMap((member) =>
          [...member.assignments]
            .filter(([name]) => !wanted(member, name))
            .map(([, assignment]) => revoke(group, member, assignment)),
        ),
      )
      // A member that has ended meanwhile is dealt with by the rebalance that its end has asked for.
      group.members = group.members.filter((member) => !member.ended || member.assignments.size > 0)
      for (const [member, tps] of target) {
        for (const tp of tps) {
          if (!member.ended && !member.assignments.has(nameOf(tp))) give(group, member, tp)
        }
      }
      if (group.members.length === 0) groups.delete(group.name)
    })
    return group.rebalanced
  }

  function targetOf(members: Member[]): Map<Member, TopicPartition[]> {
    const names = [...new Set(members.flatMap(({ options }) => options.topics))].sort()
    const topics = names.map((name) => ({
      name,
      partitions: source.partitions(name) ?? 0,
      subscribers: members.filter(({ options }) => options.topics.includes(name)),
    }))
    return assign(members, topics, (tp) => members.find((m) => m.assignments.has(nameOf(tp))))
  }

  function give(group: Group, member: Member, tp: TopicPartition): void {
    const revoked = new AbortController()
    const done = Promise.resolve()
      .then(() => deliver(member, tp, revoked.signal))
      .catch((error) => fail(group, member, error))
    member.assignments.set(nameOf(tp), { tp, revoked, done })
  }

  async function deliver(member: Member, tp: TopicPartition, revoked: AbortSignal): Promise<void> {
    const { group, batchSize, onAssigned, onBatch } = member.options
    let position = (await onAssigned?.(tp)) ?? source.committed(group, tp) ?? source.first(tp)
    while (!revoked.aborted && !member.ended) {
      const records = source.page(tp, position, batchSize)
      if (records.length === 0) await source.changed(tp, revoked)
      else {
        await onBatch(records, tp)
        position = records.at(-1)!.offset + 1
        await nextTurn()
      }
    }
  }

  /** After a failure the handlers are told of nothing more: what they hold may be half done. */
  async function revoke(group: Group, member: Member, { tp, revoked, done }: Assignment): Promise<void> {
    revoked.abort()
    await done
    try {
      if (member.ended?.by !== 'failure') await member.options.onRevoked?.(tp)
    } catch (error) {
      fail(group, member, error)
    }
    member.assignments.delete(nameOf(tp))
  }

  function fail(group: Group, member: Member, error: unknown): void {
    if (member.ended?.by === 'failure') return
    member.ended = { by: 'failure', error }
    // At once: handlers of other partitions may take long to end.
    member.options.onFailure(error)
    void leave(group, member)
  }

  function leave(group: Group, member: Member): Promise<void> {
    for (const { revoked } of member.assignments.values()) revoked.abort()
    member.left ??= rebalance(group)
    return member.left
  }

  return {
    subscribe,
    async stop(): Promise<void> {
      await Promise.all(
        [...groups.values()].flatMap((group) =>
          group.members.map((member) => {
            member.ended ??= { by: 'stop' }
            return orAborted(leave(group, member), member.options.signal)
          }),
        ),
      )
    },
  }
}
