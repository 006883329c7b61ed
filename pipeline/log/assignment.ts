import type { TopicPartition } from './port.ts'

/** Of a partition, as a key of maps. */
export const nameOf = ({ topic, partition }: TopicPartition): string => `${partition} ${topic}`

type Topic<M> = { name: string; partitions: number; subscribers: readonly M[] }

/**
 * Shares partitions among the members of a group. Topics that the same members subscribe to are shared alike: who has a
 * partition of one has the same of all others, and each has equally many of these, or one more.
 * Sticky: a member keeps what it owns, up to its share.
 * `M` is a member, in the order of joining; the result has an entry for each.
 */
export function assign<M>(
  members: readonly M[],
  topics: readonly Topic<M>[],
  owner: (tp: TopicPartition) => M | undefined,
): Map<M, TopicPartition[]> {
  const shares = new Map<M, TopicPartition[]>(members.map((member) => [member, []]))
  for (const alike of sharedAlike(members, topics)) {
    const { subscribers } = alike[0]!
    const partitions = Math.max(...alike.map((topic) => topic.partitions))
    const all = Array.from({ length: partitions }, (_, partition) => partition)
    const of = (partition: number): TopicPartition[] =>
      alike.filter((topic) => partition < topic.partitions).map(({ name }) => ({ topic: name, partition }))
    const owned = new Map(
      subscribers.map((m) => [m, all.filter((partition) => of(partition).some((tp) => owner(tp) === m))]),
    )
    // Who owns most of these, else has least of all topics so far, gets the extra ones.
    const order = subscribers.toSorted(
      (a, b) => owned.get(b)!.length - owned.get(a)!.length || shares.get(a)!.length - shares.get(b)!.length,
    )
    const quota = (rank: number) =>
      Math.floor((partitions + subscribers.length - 1 - rank) / subscribers.length)
    const taken = new Set<number>()
    const kept = order.map((m, rank) => {
      const some = owned
        .get(m)!
        .filter((partition) => !taken.has(partition))
        .slice(0, quota(rank))
      for (const partition of some) taken.add(partition)
      return some
    })
    const free = all.filter((partition) => !taken.has(partition))
    for (const [rank, member] of order.entries()) {
      const share = kept[rank]!
      const more = free.splice(0, quota(rank) - share.length)
      shares.get(member)!.push(...[...share, ...more].flatMap(of))
    }
  }
  return shares
}

/** The topics that anyone subscribes to, by who does. */
function sharedAlike<M>(members: readonly M[], topics: readonly Topic<M>[]): Topic<M>[][] {
  const groups = new Map<string, Topic<M>[]>()
  for (const topic of topics) {
    if (topic.subscribers.length === 0) continue
    const who = members.flatMap((member, i) => (topic.subscribers.includes(member) ? [i] : [])).join()
    groups.set(who, [...(groups.get(who) ?? []), topic])
  }
  return [...groups.values()]
}
