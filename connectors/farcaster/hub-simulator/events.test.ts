import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DAY, MINUTE, SECOND } from '../../../common/time.ts'
import type { Message } from '../../../schemas/message.ts'
import { castRemoved, hex, like, openHub, post, stamp, T } from './hub.fixture.ts'

type Event = {
  type: string
  id: number
  blockNumber: number
  shardIndex: number
  mergeMessageBody?: { message: { hash: string }; deletedMessages: { hash: string }[] }
  blockConfirmedBody?: { blockNumber: number; shardIndex: number; timestamp: number; totalEvents: number }
}

/** Of shard 2 the odd accounts' posts, of shard 1 the even ones' likes; five minutes, of which the third is empty. */
const MESSAGES: Message[] = [0, 1, 3, 4].flatMap((minute) => [
  post(10 * minute + 1, T + minute * MINUTE),
  post(10 * minute + 2, T + minute * MINUTE + SECOND),
  like(10 * minute + 3, T + minute * MINUTE + SECOND, 2, 10 * minute + 1),
])
const REMOVAL = castRemoved(99, T + 4 * MINUTE + 9 * SECOND, 1)
const NOW = T + 5 * MINUTE
const BLOCK = stamp(T) / 60

describe('events', () => {
  let hub: Awaited<ReturnType<typeof openHub>>
  beforeAll(async () => {
    hub = await openHub([...MESSAGES, REMOVAL], NOW)
  })
  afterAll(() => hub.close())

  const get = async (query: string) => (await hub.get<{ events: Event[] }>(`/v1/events?${query}`)).events
  const first = BLOCK * 2 ** 14
  const merged = (events: Event[]) => events.flatMap((e) => e.mergeMessageBody?.message.hash ?? [])

  it('tell every message once, in its account’s shard, below a block that counts them', async () => {
    for (const [shard, own] of [
      [1, MESSAGES.filter(({ fid }) => fid === 2)],
      [2, [...MESSAGES.filter(({ fid }) => fid === 1), REMOVAL]],
    ] as const) {
      const events = await get(`shard_index=${shard}&from_event_id=${first}`)
      expect(merged(events)).toEqual(own.map((message) => `0x${message.hash.toString('hex')}`))
      const blocks = events.filter(({ type }) => type === 'HUB_EVENT_TYPE_BLOCK_CONFIRMED')
      expect(blocks.map(({ blockNumber }) => blockNumber)).toEqual([0, 1, 2, 3, 4].map((n) => BLOCK + n))
      for (const [i, block] of blocks.entries()) {
        const within = events.filter((event) => event.blockNumber === block.blockNumber)
        expect(within.map(({ id }) => id)).toEqual(within.map((_, n) => block.blockNumber * 2 ** 14 + n))
        expect(within.every(({ shardIndex }) => shardIndex === shard)).toBe(true)
        expect(block.blockConfirmedBody).toEqual({
          blockNumber: block.blockNumber,
          shardIndex: shard,
          timestamp: stamp(T + (i + 1) * MINUTE),
          blockHash: expect.stringMatching(/^0x[0-9a-f]{64}$/),
          totalEvents: within.length,
        })
      }
    }
  })

  it('tell what a message did away with', async () => {
    const events = await get(`shard_index=2&from_event_id=${first}`)
    const removal = events.find((event) => event.mergeMessageBody?.message.hash === hex(99))
    expect(removal).toMatchObject({
      type: 'HUB_EVENT_TYPE_MERGE_MESSAGE',
      mergeMessageBody: { deletedMessages: [{ hash: hex(1) }] },
      blockNumber: BLOCK + 4,
      shardIndex: 2,
    })
    expect(events.flatMap((event) => event.mergeMessageBody?.deletedMessages ?? [])).toHaveLength(1)
  })

  it('are read on from the last id, in pages of any size, and back', async () => {
    const all = await get(`shard_index=2&from_event_id=${first}`)
    for (const size of [1, 2, 3, 5]) {
      const read: Event[] = []
      for (let from = first; ; ) {
        const page = await get(`shard_index=2&from_event_id=${from}&pageSize=${size}`)
        read.push(...page)
        if (page.length < size) break
        from = page.at(-1)!.id + 1
      }
      expect(read).toEqual(all)
    }
    expect(await get(`shard_index=2&from_event_id=${first}&reverse=true`)).toEqual(all.toReversed())
    const stop = all[4]!.id
    expect(await get(`shard_index=2&from_event_id=${first}&stop_id=${stop}`)).toEqual(all.slice(0, 4))
  })

  it('of all shards stand one behind the other, page by page', async () => {
    const query = `from_event_id=${first}&pageSize=3`
    const one = await get(`shard_index=1&${query}`)
    const two = await get(`shard_index=2&${query}`)
    expect(await get(query)).toEqual([...one, ...two])
    expect((await fetch(`${hub.url}/v1/events?shard_index=3`)).status).toBe(400)
  })

  it('begin three days back without a word, and end with the last whole minute', async () => {
    const [oldest] = await get('shard_index=1&pageSize=1')
    expect(oldest).toMatchObject({ blockNumber: stamp(NOW - 3 * DAY) / 60 })
    const later = await openHub([...MESSAGES, REMOVAL], T + 3 * DAY + MINUTE)
    const { events } = await later.get<{ events: Event[] }>('/v1/events?shard_index=2&pageSize=4')
    expect(merged(events)).toEqual([hex(11), hex(12)])
    await later.close()
    const within = await openHub(MESSAGES, T + MINUTE + 30 * SECOND)
    const [last] = (await within.get<{ events: Event[] }>('/v1/events?shard_index=2&reverse=true')).events
    expect(last).toMatchObject({ blockNumber: BLOCK, mergeMessageBody: { message: { hash: hex(2) } } })
    await within.close()
  })
})
