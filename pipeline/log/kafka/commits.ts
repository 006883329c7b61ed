import { nameOf } from '../assignment.ts'
import type { TopicPartition } from '../port.ts'
import { explained, isOfType } from './client.ts'

type Offsets = { topic: string; partition: number; offset: string }[]
type Send = (offsets: Offsets) => Promise<void>

/**
 * A member's offsets on their way to the broker: one request at a time; those that come meanwhile go with the next.
 * `sender` gives what sends them as things stand; undefined while the member is in no group.
 */
export function createCommits(sender: () => Send | undefined) {
  /** By name of the partition. */
  const waiting = new Map<string, { tp: TopicPartition; offset: number }>()
  let flushing: Promise<void> | undefined
  /** Requests that a broker has acknowledged. */
  let acknowledged = 0

  function flush(): Promise<void> {
    flushing ??= send()
    return flushing
  }

  async function send(): Promise<void> {
    try {
      // Those of one turn go together.
      await Promise.resolve()
      while (waiting.size > 0) if (!(await sendOnce())) return
    } finally {
      flushing = undefined
    }
  }

  /** Whether a broker has taken what was to be committed; else it goes with the next join, or commit. */
  async function sendOnce(): Promise<boolean> {
    const send = sender()
    if (!send) return false
    const before = acknowledged
    try {
      await send([...waiting.values()].map(({ tp, offset }) => ({ ...tp, offset: String(offset) })))
    } catch (error) {
      // Where the partition goes elsewhere, whoever has it then commits for it.
      if (!sender() || isRebalancing(error) || isOutside(error)) return false
      throw explained(error)
    }
    return acknowledged > before
  }

  return {
    async add(tp: TopicPartition, offset: number): Promise<void> {
      waiting.set(nameOf(tp), { tp, offset })
      await flush()
    },
    flush,
    /** What a broker has acknowledged. */
    confirmed(topics: { topic: string; partitions: { partition: number; offset: string }[] }[]): void {
      acknowledged++
      for (const { topic, partitions } of topics) {
        for (const { partition, offset } of partitions) {
          const name = nameOf({ topic, partition })
          if (waiting.get(name)?.offset === Number(offset)) waiting.delete(name)
        }
      }
    },
    /** Of partitions by other names nothing is committed any more. */
    keep(names: ReadonlySet<string>): void {
      for (const name of waiting.keys()) if (!names.has(name)) waiting.delete(name)
    },
  }
}

const isRebalancing = (error: unknown): boolean =>
  isOfType(
    error,
    ...['REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID', 'NOT_COORDINATOR_FOR_GROUP'],
  )

/** kafkajs's consumer is between two lives, or was told to end. */
export const isOutside = (error: unknown): boolean => (error as Error).message.includes('not initialized')
