import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { DAY, SECOND } from '../../../common/time.ts'
import { hash, temporaryFiles } from '../fixtures.ts'
import { archiveData } from './archived.ts'
import { ownClock } from './clock.ts'
import { hashes, hex, type Page, stamp, T } from './hub.fixture.ts'
import { createHub } from './hub.ts'

const { dir, file } = temporaryFiles()

/** As an archive may have it: its own order of fields, spaces, escapes, and fields that nobody knows. */
const line = (n: number, type: string, body: object, fid = 1): string =>
  JSON.stringify({
    hash: hex(n),
    signature: 'c2ln',
    data: { ...body, timestamp: stamp(T) + n, type: `MESSAGE_TYPE_${type}`, fid, extra: [1.0, null] },
  })
    .replace('"data":', '"data" : ')
    .replace('é', '\\u00e9')
const cast = (n: number, parentUrl: string, text = `cast ${n}`, fid = 1) =>
  line(n, 'CAST_ADD', { castAddBody: { text, parentUrl } }, fid)

async function open(paths: string[], at?: number) {
  const { data, skipped } = await archiveData(paths)
  const hub = await createHub({ data, clock: ownClock(at ?? data.live, 0) })
  const get = async (path: string) => await (await fetch(hub.url + path)).text()
  return { ...hub, data, skipped, get, page: async (path: string) => JSON.parse(await get(path)) as Page }
}

describe('an archive behind a hub', () => {
  it('is served byte for byte, in order of time, whatever the order of files and lines', async () => {
    const lines = [
      cast(1, 'https://a.org', 'caf\u00e9 ☕️\u2028\n---\n\u0000\ud83d'),
      cast(2, 'https://a.org', '</script>\u202e"'),
      cast(3, 'https://a.org'),
    ]
    expect(lines[0]).toContain('\\u00e9')
    const hub = await open([file(`\n${lines[2]}\r\n`), file(gzipSync(`${lines[1]}\n${lines[0]}`))])
    expect(await hub.get('/v1/castsByParent?url=https://a.org')).toBe(
      `{"messages":[${lines.join(',')}],"nextPageToken":""}`,
    )
    expect(await hub.get(`/v1/castById?fid=1&hash=${hex(2)}`)).toBe(lines[1])
    expect(hub.skipped).toBe(0)
    await hub.close()
  })

  it('is kept whole, and visible up to the clock, by default all', async () => {
    const path = file([cast(1, 'https://a.org'), cast(30 * (DAY / SECOND), 'https://a.org')].join('\n'))
    const whole = await open([path])
    expect(whole.data.live).toBe(T + 30 * DAY)
    expect((await whole.page('/v1/castsByFid?fid=1')).messages).toHaveLength(2)
    await whole.close()
    const earlier = await open([path], T + DAY)
    expect(hashes(await earlier.page('/v1/castsByFid?fid=1'))).toEqual([hex(1)])
    await earlier.close()
  })

  it('does not take its clock from a wrong one', async () => {
    const day = Array.from({ length: 48 }, (_, n) => cast(1 + n * 1800, 'https://a.org'))
    const last = T + (1 + 47 * 1800) * SECOND
    for (const days of [100, 30_000]) {
      const hub = await open([file([cast(days * (DAY / SECOND), 'https://a.org'), ...day].join('\n'))])
      expect(hub.data.live).toBe(last)
      await hub.close()
    }
    const ahead = await open([file(cast(30_000 * (DAY / SECOND), 'https://a.org'))])
    expect(ahead.data.live).toBe(T + 30_000 * DAY)
    await ahead.close()
  })

  it('leaves out, and counts, lines that no route serves', async () => {
    const bad = [
      'oops',
      '{"data":{"type":"MESSAGE_TYPE_CAST_ADD"}}',
      'null',
      line(1, 'VERIFICATION_ADD_ETH_ADDRESS', {}),
      line(2, 'USER_DATA_ADD', { userDataBody: null }),
      line(3, 'LINK_ADD', { linkBody: 7 }),
      line(4, 'USER_DATA_ADD', { userDataBody: { type: 'USER_DATA_TYPE_BIO', value: 'x' } }).replace(
        '0x',
        '',
      ),
    ]
    const latin1 = Buffer.from(`\n${cast(5, 'https://a.org', '\u00fc')}`, 'latin1')
    const hub = await open([
      file(Buffer.concat([Buffer.from([...bad, '  ', cast(6, 'https://a.org')].join('\n')), latin1])),
    ])
    expect(hub.skipped).toBe(bad.length + 1)
    expect(hashes(await hub.page('/v1/castsByFid?fid=1'))).toEqual([hex(6)])
    await hub.close()
    await expect(archiveData([file('oops\n')])).rejects.toThrow(/None of 1 lines .* nothing to serve/)
    await expect(archiveData([join(dir, 'none')])).rejects.toThrow(/there is no such file/)
  })

  it('lists the channels that occur, with their posts, their ids apart', async () => {
    const hub = await open([
      file(
        [
          cast(1, 'https://a.org/music', '', 4),
          cast(2, 'https://b.org/music'),
          cast(3, 'https://a.org/music', '', 5),
          cast(4, 'chain://eip155:1/erc721:0xab'),
          line(5, 'CAST_ADD', { castAddBody: { text: '', parentCastId: { fid: 1, hash: hex(1) } } }),
        ].join('\n'),
      ),
    ])
    const { result } = JSON.parse(await hub.get('/v2/all-channels'))
    const show = ({
      id,
      name,
      url,
      leadFid,
      followerCount,
      memberCount,
      createdAt,
    }: Record<string, unknown>) => [id, name, url, leadFid, followerCount, memberCount, createdAt]
    const created = T / SECOND
    expect(result.channels.map(show)).toEqual([
      ['music', 'music', 'https://a.org/music', 4, 2, 2, created + 1],
      ['music-2', 'music', 'https://b.org/music', 1, 1, 1, created + 2],
      ['erc721:0xab', 'erc721:0xab', 'chain://eip155:1/erc721:0xab', 1, 1, 1, created + 4],
    ])
    await hub.close()
  })

  it('tells profiles, names, links and reactions to URLs, the last of each', async () => {
    const data = (n: number, type: string, value: string, fid = 1) =>
      line(n, 'USER_DATA_ADD', { userDataBody: { type: `USER_DATA_TYPE_${type}`, value } }, fid)
    const link = (n: number, type: string, targetFid: number, act = 'ADD') =>
      line(n, `LINK_${act}`, { linkBody: { type, displayTimestamp: null, targetFid } })
    const toUrl = (n: number, fid: number, act = 'ADD') =>
      line(
        n,
        `REACTION_${act}`,
        { reactionBody: { type: 'REACTION_TYPE_LIKE', targetUrl: 'https://a.org' } },
        fid,
      )
    const proof = {
      timestamp: 5,
      name: 'zoe.eth',
      owner: '0x12',
      signature: 'c2ln',
      fid: 3,
      type: 'USERNAME_TYPE_ENS_L1',
    }
    const hub = await open([
      file(
        [
          data(1, 'USERNAME', 'ada'),
          data(2, 'BIO', 'old'),
          data(3, 'BIO', 'new'),
          data(4, 'USERNAME', 'ada.eth'),
          data(5, 'USERNAME', 'ada', 2),
          line(6, 'USERNAME_PROOF', { usernameProofBody: proof }, 3),
          link(7, 'follow', 8),
          link(8, 'block', 9),
          link(9, 'follow', 10),
          link(10, 'follow', 8, 'REMOVE'),
          toUrl(11, 1),
          toUrl(12, 2),
          toUrl(13, 1, 'REMOVE'),
          data(14, 'USERNAME', 'bob', 6),
          data(15, 'USERNAME', 'rob', 6),
        ].join('\n'),
      ),
    ])
    expect(hub.skipped).toBe(0)
    expect(hashes(await hub.page('/v1/userDataByFid?fid=1'))).toEqual([hex(3), hex(4)])
    const named = async (name: string) => JSON.parse(await hub.get(`/v1/userNameProofByName?name=${name}`))
    expect(await named('ada')).toEqual({
      timestamp: T / SECOND + 5,
      name: 'ada',
      owner: expect.stringMatching(/^0x[0-9a-f]{40}$/),
      signature: expect.stringMatching(/^[A-Za-z0-9+/]+=*$/),
      fid: 2,
      type: 'USERNAME_TYPE_FNAME',
    })
    expect(await named('ada.eth')).toMatchObject({ fid: 1, type: 'USERNAME_TYPE_ENS_L1' })
    expect(await named('zoe.eth')).toEqual(proof)
    expect(await named('rob')).toMatchObject({ fid: 6 })
    expect(await named('bob')).toMatchObject({ error: 'not_found' })
    expect(hashes(await hub.page('/v1/linksByFid?fid=1'))).toEqual([hex(8), hex(9)])
    expect(hashes(await hub.page('/v1/linksByFid?fid=1&link_type=follow'))).toEqual([hex(9)])
    expect(hashes(await hub.page('/v1/linksByTargetFid?target_fid=10'))).toEqual([hex(9)])
    expect(hashes(await hub.page('/v1/linksByTargetFid?target_fid=8'))).toEqual([])
    expect(hashes(await hub.page('/v1/reactionsByTarget?url=https://a.org'))).toEqual([hex(12)])
    await hub.close()
  })
})

it('numbers in an archive may be strings, and an empty text is left out', async () => {
  const strings = (text: string) => text.replace(/("fid":|"targetFid":|"timestamp":)(\d+)/g, '$1"$2"')
  const lines = [
    line(1, 'LINK_ADD', { linkBody: { type: 'follow', targetFid: 8 } }),
    line(2, 'USER_DATA_ADD', { userDataBody: { type: 'USER_DATA_TYPE_BIO' } }),
    cast(3, 'https://a.org'),
  ]
  const hub = await open([file(lines.map(strings).join('\n'))])
  expect([hub.skipped, hub.data.live]).toEqual([0, T + 3 * SECOND])
  expect(hashes(await hub.page('/v1/linksByTargetFid?target_fid=8'))).toEqual([hex(1)])
  expect(hashes(await hub.page('/v1/linksByFid?fid=1'))).toEqual([hex(1)])
  expect(hashes(await hub.page('/v1/userDataByFid?fid=1'))).toEqual([hex(2)])
  await hub.close()
})

it('removals in an archive find their targets, which it writes in base64', async () => {
  const removal = line(9, 'CAST_REMOVE', { castRemoveBody: { targetHash: hash(1).toString('base64') } })
  const hub = await open([file([cast(1, 'https://a.org'), cast(2, 'https://a.org'), removal].join('\n'))])
  expect(hashes(await hub.page('/v1/castsByParent?url=https://a.org'))).toEqual([hex(2)])
  expect(hashes(await hub.page('/v1/castsByFid?fid=1'))).toEqual([hex(2), hex(9)])
  await hub.close()
})
