import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BASE, HOUR, SECOND } from '../../../common/time.ts'
import { networkOf, simulate } from '../../../models/simulation/simulate.ts'
import type { Message } from '../../../schemas/message.ts'
import { SIMULATION_START, simulation } from '../../simulation/simulation.ts'
import { toHubJson } from '../hub-json.ts'
import { ownClock } from './clock.ts'
import type { Page } from './hub.fixture.ts'
import { createHub, type Hub } from './hub.ts'
import { simulatedData } from './simulated.ts'

const NOW = SIMULATION_START + 6 * HOUR + 90 * SECOND
const open = (seed: number, now = NOW) => createHub({ data: simulatedData(seed), clock: ownClock(now, 0) })
const get = async <T>(hub: Hub, path: string) => (await (await fetch(hub.url + path)).json()) as T

function said(seed: number, until: number): Message[] {
  const messages: Message[] = []
  for (const bin of simulate(simulation(seed))) {
    if (bin.start > until) break
    messages.push(...bin.messages.filter(({ time }) => time <= until))
  }
  return messages
}

describe('the simulated network behind a hub', () => {
  let hub: Hub
  beforeAll(async () => {
    hub = await open(7)
  })
  afterAll(() => hub.close())

  type Listed = { result: { channels: { id: string; url: string; followerCount: number }[] } }

  it('says what the simulation says, up to the clock', async () => {
    const messages = said(7, NOW)
    const removed = new Set(
      messages.flatMap((m) => (m.type === 'cast-removed' ? m.target.toString('hex') : [])),
    )
    const { result } = await get<Listed>(hub, '/v2/all-channels')
    let posts = 0
    for (const { url } of result.channels) {
      const expected = messages.filter(
        (m) =>
          m.type === 'cast' &&
          m.parent !== null &&
          'url' in m.parent &&
          m.parent.url === url &&
          !removed.has(m.hash.toString('hex')),
      )
      const page = await get<Page>(hub, `/v1/castsByParent?url=${encodeURIComponent(url)}`)
      expect(page.messages).toEqual(expected.map(toHubJson))
      posts += expected.length
    }
    expect(posts).toBeGreaterThan(100)
    expect(removed.size).toBeGreaterThan(0)
  })

  it('says what is signed this very second, at the edge of a bin too', async () => {
    const edge = said(7, NOW).find(({ type, time }) => type === 'cast' && time % BASE === 0)!
    const other = await open(7, edge.time)
    const hash = `0x${edge.hash.toString('hex')}`
    expect(await get(other, `/v1/castById?fid=${edge.fid}&hash=${hash}`)).toMatchObject({ hash })
    await other.close()
  })

  it('lists every channel that has a URL, the largest with most followers, each by its topic', async () => {
    const { result } = await get<Listed>(hub, '/v2/all-channels')
    const network = networkOf(7).filter(({ url }) => url !== null)
    expect(result.channels.map(({ id, url }) => [id, url])).toEqual(
      network.map(({ topic, url }) => [topic, url]),
    )
    const bySize = network.toSorted((a, b) => b.castsPerDay - a.castsPerDay).map(({ url }) => url)
    const byFollowers = result.channels.toSorted((a, b) => b.followerCount - a.followerCount)
    expect(byFollowers.map(({ url }) => url)).toEqual(bySize)
  })

  it('has a profile, a name of its own and links for each account, older than what is said', async () => {
    const fids = [...new Set(said(7, NOW).map(({ fid }) => fid))].slice(0, 20)
    const names = new Set<string>()
    let links = 0
    for (const fid of fids) {
      type Body = { data: { timestamp: number; userDataBody: { type: string; value: string } } }
      const { messages } = await get<{ messages: Body[] }>(hub, `/v1/userDataByFid?fid=${fid}`)
      const profile = Object.fromEntries(
        messages.map(({ data }) => [data.userDataBody.type, data.userDataBody.value]),
      )
      expect(Object.keys(profile).sort()).toEqual(
        ['BIO', 'DISPLAY', 'PFP', 'USERNAME'].map((type) => `USER_DATA_TYPE_${type}`),
      )
      const name = profile.USER_DATA_TYPE_USERNAME!
      names.add(name)
      expect(await get(hub, `/v1/userNameProofByName?name=${name}`)).toMatchObject({ fid, name })
      const followed = await get<Followed>(hub, `/v1/linksByFid?fid=${fid}&link_type=follow`)
      for (const { data } of followed.messages.slice(0, 1)) {
        const back = await get<Followed>(hub, `/v1/linksByTargetFid?target_fid=${data.linkBody.targetFid}`)
        expect(back.messages.map((link) => link.data.fid)).toContain(fid)
        links++
      }
    }
    expect(names.size).toBe(20)
    expect(links).toBeGreaterThan(10)
  })

  type Followed = { messages: { data: { fid: number; linkBody: { targetFid: number } } }[] }

  it('is the same for a seed, and another for another', async () => {
    const [again, other] = await Promise.all([open(7), open(8)])
    for (const path of ['/v1/info', '/v1/events?pageSize=200&reverse=true', '/v2/all-channels']) {
      const body = await get(hub, path)
      expect(await get(again, path)).toEqual(body)
      expect(await get(other, path)).not.toEqual(body)
    }
    await Promise.all([again.close(), other.close()])
  })
})
