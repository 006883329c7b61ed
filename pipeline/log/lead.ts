import type { Leadership, LeadOptions, SubscribeOptions, Subscription, TopicPartition } from './port.ts'

/**
 * Leading, where a partition has one holder among the members of a group. `subscribe` must take a partition from a member that
 * was out of the group for a while, and give it anew, even if nobody else had it.
 */
export const leadOver =
  (subscribe: (options: SubscribeOptions) => Promise<Subscription>) =>
  async (place: TopicPartition, { group, work, onFailure, signal }: LeadOptions): Promise<Leadership> => {
    let turn = { over: new AbortController(), done: Promise.resolve() }
    let hasFailed = false
    const fail = (error: unknown): void => {
      if (hasFailed) return
      hasFailed = true
      turn.over.abort()
      onFailure(error)
    }
    const subscription = await subscribe({
      ...{ group, topics: [place.topic], batchSize: 1, ...(signal && { signal }) },
      async onAssigned({ partition }) {
        if (partition !== place.partition || hasFailed) return undefined
        const over = new AbortController()
        turn = { over, done: Promise.resolve(over.signal).then(work).catch(fail) }
        return undefined
      },
      async onBatch() {},
      async onRevoked({ partition }) {
        if (partition !== place.partition) return
        turn.over.abort()
        await turn.done
      },
      onFailure: fail,
    }).catch(async (error) => {
      // It may have led before it was told to give up.
      turn.over.abort()
      await turn.done
      throw error
    })
    return {
      async stop() {
        await subscription.stop()
        // After a failure nothing is revoked.
        turn.over.abort()
        if (!signal?.aborted) await turn.done
      },
    }
  }
