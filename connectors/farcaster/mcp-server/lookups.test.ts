import { describe, expect, test, vi } from 'vitest'
import { HOUR, MINUTE } from '../../../common/time.ts'
import { channelList, MAX, MAX_CHANNELS } from './channels.ts'
import { type HttpClient, HubError } from './http-client.ts'
import { userNames } from './users.ts'

/** A hub that answers with what `reply` makes, and a clock. */
function world(reply: (asked: number, fid: number) => unknown) {
  const clock = { now: 0 }
  const asked: number[] = []
  const hub: HttpClient = {
    async get(_path, { fid }) {
      asked.push(fid as number)
      return reply(asked.length, fid as number)
    },
    close() {},
  }
  return { hub, asked, clock, now: () => clock.now }
}
const named = (name: string) => ({
  messages: [{ data: { userDataBody: { type: 'USER_DATA_TYPE_DISPLAY', value: name } } }],
})
const failure = () => {
  throw new HubError('refused', 'no', 500)
}

describe('names', () => {
  test('are kept for an hour, failures for a minute', async () => {
    const { hub, asked, clock, now } = world((n) => (n === 2 ? failure() : named(`name ${n}`)))
    const names = userNames(hub, now)
    const ask = async () => (await names.of([5, 5])).get(5)
    expect(await ask()).toBe('name 1')
    clock.now = HOUR - 1
    expect(await ask()).toBe('name 1')
    clock.now = HOUR
    expect(await ask()).toBeNull()
    clock.now += MINUTE - 1
    expect(await ask()).toBeNull()
    clock.now += 1
    expect(await ask()).toBe('name 3')
    expect(asked).toHaveLength(3)
  })

  test('are looked up eight at once, and 10,000 are kept, those asked for last', async () => {
    let open = 0
    let most = 0
    const { hub, asked, now } = world(async () => {
      most = Math.max(most, ++open)
      await new Promise((resolve) => setImmediate(resolve))
      open--
      return named('x')
    })
    const names = userNames(hub, now)
    await names.of(Array.from({ length: 10_000 }, (_, n) => n + 1))
    expect(most).toBe(8)
    await names.of([1])
    await names.of([10_001])
    expect(asked).toHaveLength(10_001)
    await names.of([1])
    expect(asked).toHaveLength(10_001)
    await names.of([2])
    expect(asked).toHaveLength(10_002)
  })

  test('that do not come do not hold up a call', async () => {
    const { hub, now } = world((_n, fid) => (fid === 1 ? new Promise(() => {}) : named('two')))
    vi.useFakeTimers()
    const found = userNames(hub, now).of([1, 2])
    await vi.advanceTimersByTimeAsync(2000)
    vi.useRealTimers()
    expect([...(await found)]).toEqual([
      [1, null],
      [2, 'two'],
    ])
  })

  test('are one short line', async () => {
    const given = ['a\u0000b\u001b[31m\r\nc', `${'x'.repeat(99)}👩`, ' \u2028 ', '\u200f\u202ey']
    const { hub, now } = world((n) => named(given[n - 1]!))
    const names = userNames(hub, now)
    const found: (string | null | undefined)[] = []
    for (const fid of [1, 2, 3, 4]) found.push((await names.of([fid])).get(fid))
    expect(found).toEqual(['ab c', `${'x'.repeat(99)}\ufffd`, null, 'y'])
  })
})

describe('the channel list', () => {
  const list = (name: string) => ({ result: { channels: [{ id: 'a', url: 'https://a.example', name }] } })

  test('is downloaded once an hour; an old one is better than none', async () => {
    const { hub, asked, clock, now } = world((n) => (n === 2 ? failure() : list(`list ${n}`)))
    const channels = channelList(hub, now)
    const ask = async () => (await channels.list({})).channels[0]?.name
    expect(await ask()).toBe('list 1')
    clock.now = HOUR - 1
    expect(await ask()).toBe('list 1')
    clock.now = HOUR
    expect(await ask()).toBe('list 1')
    expect(await ask()).toBe('list 1')
    expect(asked).toHaveLength(2)
    clock.now += MINUTE
    expect(await ask()).toBe('list 3')
  })

  test('is kept under its version for those who page through it, through one change', async () => {
    const { hub, clock, now } = world((n) => list(`list ${n}`))
    const channels = channelList(hub, now)
    const first = await channels.list({})
    clock.now = HOUR
    const second = await channels.list({})
    expect(second.version).not.toBe(first.version)
    expect(await channels.list({}, first.version)).toEqual(first)
    clock.now = 2 * HOUR
    await channels.list({})
    expect(await channels.list({}, second.version)).toEqual(second)
    await expect(channels.list({}, first.version)).rejects.toThrow('has changed')
    // Another process serves the same list under the same name.
    const again = channelList(world(() => list('list 1')).hub, now)
    expect(await again.list({}, first.version)).toEqual(first)
  })

  test('charges those who wait for it, and nobody else', async () => {
    const hub: HttpClient = {
      async get(_path, _query, call) {
        call.seconds = 2
        return list('x')
      },
      close() {},
    }
    const channels = channelList(hub)
    const calls = [{}, { seconds: 1 }, {}]
    await Promise.all(calls.slice(0, 2).map((call) => channels.list(call)))
    await channels.list(calls[2]!)
    expect(calls).toEqual([{ seconds: 2 }, { seconds: 3 }, {}])
  })

  test('has an end, and so has what each channel is described by', async () => {
    const list = (channels: unknown[]) => channelList(world(() => ({ result: { channels } })).hub).list({})
    const long = 'x'.repeat(5000)
    const { channels } = await list([
      { id: 'a', url: 'https://a.example', name: long, description: long },
      { id: long, url: 'https://b.example' },
      { id: 'c', url: `https://c.example/${long}` },
    ])
    expect(channels.map(({ id, name, description }) => [id, name.length, description?.length])).toEqual([
      ['a', MAX.name, MAX.description],
    ])
    await expect(list(Array.from({ length: MAX_CHANNELS + 1 }, () => null))).rejects.toThrow(
      /over 200000 channels/,
    )
  })

  test('is read leniently and refused when it is none', async () => {
    const odd = { id: 'x', url: 'u', name: 7, description: '', followerCount: -1, memberCount: 'many' }
    const { hub, now } = world(() => ({ result: { channels: [odd] } }))
    expect((await channelList(hub, now).list({})).channels).toEqual([
      { id: 'x', url: 'u', name: 'x', description: null, followers: 0, members: 0 },
    ])
    const { hub: wrong } = world(() => ({ channels: [] }))
    await expect(channelList(wrong, now).list({})).rejects.toMatchObject({ error: 'unreadable' })
  })
})
