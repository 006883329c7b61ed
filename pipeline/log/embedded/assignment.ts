import type { TopicPartition } from '../port.ts'

/**
 * Shares the partitions of `topics` among the members of a group: of each topic, members that subscribe to it get
 * equally many, or one more. Sticky: a member keeps what it owns, up to its share.
 * `M` is a member, in the order of joining; the result has an entry for each.
 */
export function assign<M>(
  members: readonly M[],
  topics: readonly { name: string; partitions: number; subscribers: readonly M[] }[],
  owner: (tp: TopicPartition) => M | undefined,
): Map<M, TopicPartition[]> {
  const shares = new Map<M, TopicPartition[]>(members.map((member) => [member, []]))
  for (const { name, partitions, subscribers } of topics) {
    const all = Array.from(
      { length: partitions },
      (_, partition): TopicPartition => ({ topic: name, partition }),
    )
    const owned = new Map(subscribers.map((m) => [m, all.filter((tp) => owner(tp) === m)]))
    // Who owns most of this topic, else has least of all topics so far, gets the extra ones.
    const order = subscribers.toSorted(
      (a, b) => owned.get(b)!.length - owned.get(a)!.length || shares.get(a)!.length - shares.get(b)!.length,
    )
    const quota = (rank: number) =>
      Math.floor((partitions + subscribers.length - 1 - rank) / subscribers.length)
    const kept = order.map((m, rank) => owned.get(m)!.slice(0, quota(rank)))
    const taken = new Set(kept.flat())
    const free = all.filter((tp) => !taken.has(tp))
    for (const [rank, member] of order.entries()) {
      const share = kept[rank]!
      shares.get(member)!.push(...share, ...free.splice(0, quota(rank) - share.length))
    }
  }
  return shares
}
