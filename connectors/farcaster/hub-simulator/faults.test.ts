import { request } from 'node:http'
import { describe, expect, it } from 'vitest'
import { FcmError } from '../../../common/errors.ts'
import { SECOND } from '../../../common/time.ts'
import { HUB_SECONDS_HEADER } from '../tools.ts'
import { drivenClock, ownClock } from './clock.ts'
import { canonical, parseFault, striking } from './faults.ts'
import { dataOf, hashes, hex, type Page, post, T } from './hub.fixture.ts'
import { createHub, type HubOptions } from './hub.ts'

describe('a fault is said', () => {
  it('by its kind, and where, when and how often it strikes', () => {
    expect(parseFault('slow')).toEqual({
      kind: 'slow',
      rate: 1,
      seconds: 30,
      match: '',
      from: Number.NEGATIVE_INFINITY,
      to: Number.POSITIVE_INFINITY,
    })
    expect(
      parseFault('429,rate=0.25,seconds=7,match=url=https://a.org,from=2026-01-10,to=2026-01-10T12:00:00Z'),
    ).toEqual({
      kind: '429',
      rate: 0.25,
      seconds: 7,
      match: 'url=https://a.org',
      from: Date.UTC(2026, 0, 10),
      to: Date.UTC(2026, 0, 10, 12),
    })
    expect(parseFault('hang').seconds).toBe(3600)
    expect(parseFault('429').seconds).toBe(30)
  })

  it.each([
    ['', /"" is no kind of fault/],
    ['slower', /"slower" is no kind of fault/],
    ['toString', /is no kind/],
    ['500,rate=2', /rate must be a number from 0 to 1/],
    ['500,rate=', /rate must be/],
    ['500,seconds=3', /"seconds=3" is no setting of it/],
    ['slow,seconds=-1', /seconds must be a number/],
    ['slow,at=3', /"at=3" is no setting/],
    ['slow,rate', /"rate" is no setting/],
    ['slow,from=noon', /from must be a time in UTC/],
    ['slow,to=2026-13-01', /to must be a time in UTC/],
  ])('%s is refused, with what may be said', (spec, words) => {
    const parse = () => parseFault(spec)
    expect(parse).toThrow(FcmError)
    expect(parse).toThrow(words)
    expect(parse).toThrow(/Kinds are slow, hang, 429, 500, cut, garbage, dangling.*For example/)
  })
})

describe('a fault strikes', () => {
  const REQUEST = '/v1/castsByParent?reverse=true&url=https://a.org'
  const strikes = (spec: string, asked = REQUEST, now = T, seed = 1) =>
    striking([parseFault(spec)], seed, asked, now).length === 1

  it('a share of requests, by seed, kind, request and time alone', () => {
    const times = Array.from({ length: 2000 }, (_, i) => T + i)
    const struck = times.filter((now) => strikes('500,rate=0.3', REQUEST, now))
    // Binomial: 600 ± 20.
    expect(Math.abs(struck.length - 600)).toBeLessThan(100)
    expect(times.filter((now) => strikes('500,rate=0.3', REQUEST, now))).toEqual(struck)
    const wider = new Set(times.filter((now) => strikes('500,rate=0.5', REQUEST, now)))
    expect(struck.every((now) => wider.has(now))).toBe(true)
    for (const other of [
      times.filter((now) => strikes('429,rate=0.3', REQUEST, now)),
      times.filter((now) => strikes('500,rate=0.3', `${REQUEST}x`, now)),
      times.filter((now) => strikes('500,rate=0.3', REQUEST, now, 2)),
    ]) {
      const both = other.filter((now) => struck.includes(now)).length
      // Independent: 180 ± 13.
      expect(Math.abs(both - 180)).toBeLessThan(60)
    }
    expect(times.some((now) => strikes('500,rate=0', REQUEST, now))).toBe(false)
  })

  it('in its time, where its text stands', () => {
    const spec = '500,from=2026-01-10T12:00:00Z,to=2026-01-10T12:00:01Z'
    expect([-1, 0, 999, 1000].map((ms) => strikes(spec, REQUEST, T + ms))).toEqual([false, true, true, false])
    expect(strikes('cut,match=url=https://a.org')).toBe(true)
    expect(strikes('cut,match=url=https://b.org')).toBe(false)
  })

  it('only newest-first pages by parent, when it dangles', () => {
    expect(strikes('dangling')).toBe(true)
    expect(strikes('dangling', '/v1/castsByParent?reverse=false&url=https://a.org')).toBe(false)
    expect(strikes('dangling', '/v1/castsByParent?url=https://a.org')).toBe(false)
    expect(strikes('dangling', '/v1/castsByFid?fid=1&reverse=true')).toBe(false)
  })

  it('one request however it is written', () => {
    const query = (text: string) => canonical('/v1/castsByParent', new URLSearchParams(text))
    expect(query('url=https%3A%2F%2Fa.org&reverse=true')).toBe(REQUEST)
    expect(query('reverse=true&url=https://a.org')).toBe(REQUEST)
    expect(query('')).toBe('/v1/castsByParent')
  })
})

describe('a hub with a fault', () => {
  const POSTS = Array.from({ length: 5 }, (_, i) => post(i, T - 5 * SECOND))
  const PATH = '/v1/castsByParent?url=https://a.org'

  const open = (specs: string[], more: Partial<HubOptions> = {}) =>
    createHub({ data: dataOf(POSTS), clock: ownClock(T, 0), faults: specs.map(parseFault), ...more })
  const driven = (at: number) => {
    const clock = drivenClock()
    clock.set(at)
    return clock
  }
  const get = async (url: string) => {
    const response = await fetch(url)
    return { status: response.status, headers: response.headers, body: await response.text() }
  }

  it('leaves the clock and what it doesn’t match alone', async () => {
    const hub = await open(['500,match=castsByFid'])
    expect((await get(`${hub.url}/v1/castsByFid?fid=1`)).status).toBe(500)
    const { status, body } = await get(hub.url + PATH)
    expect([status, hashes(JSON.parse(body))]).toEqual([200, POSTS.map((_, i) => hex(i))])
    await hub.close()
    const all = await open(['500'])
    const past = { method: 'PUT', body: '{"now":1}' }
    expect((await fetch(`${all.url}/clock`, past)).status).toBe(409)
    expect((await get(`${all.url}/elsewhere`)).status).toBe(404)
    expect((await get(`${all.url}/v2/all-channels`)).status).toBe(500)
    await all.close()
  })

  it('429: tells when to come back; 500 and dangling: in the hub’s own words', async () => {
    const many = await open(['429,seconds=12'])
    const limited = await get(many.url + PATH)
    expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '12'])
    await many.close()
    const broken = await open(['500'])
    const failed = await get(broken.url + PATH)
    expect([failed.status, JSON.parse(failed.body)]).toEqual([
      500,
      { error: 'unavailable', error_detail: 'internal error' },
    ])
    await broken.close()
    const dangling = await open(['dangling'])
    const page = await get(`${dangling.url}${PATH}&reverse=true`)
    expect(page.status).toBe(400)
    expect(JSON.parse(page.body)).toMatchObject({ error_detail: 'could not get message with key' })
    expect((await get(dangling.url + PATH)).status).toBe(200)
    await dangling.close()
    const hubble = await open(['500'], { errors: 'hubble' })
    expect(JSON.parse((await get(hubble.url + PATH)).body)).toMatchObject({ details: 'internal error' })
    await hubble.close()
  })

  it('slow: takes its time, by its own clock', async () => {
    const hub = await open(['slow,seconds=20', 'slow,seconds=10'], { clock: ownClock(T, 300) })
    const began = performance.now()
    const { status, headers } = await get(hub.url + PATH)
    const taken = performance.now() - began
    expect([taken > 95, taken < 15_000]).toEqual([true, true])
    expect([status, headers.get(HUB_SECONDS_HEADER)]).toEqual([200, '30'])
    await hub.close()
  })

  it('slow and hang, where the clock is driven: answers at once, and says how long it takes', async () => {
    const hub = await open(['slow,match=castsByFid', 'hang,match=castsByParent'], { clock: driven(T) })
    const began = performance.now()
    const slow = await get(`${hub.url}/v1/castsByFid?fid=1`)
    expect(slow.headers.get(HUB_SECONDS_HEADER)).toBe('30')
    expect(hashes(JSON.parse(slow.body))).toHaveLength(5)
    const hang = await get(hub.url + PATH)
    expect(hang.headers.get(HUB_SECONDS_HEADER)).toBe('3600')
    expect((await get(`${hub.url}/v1/info`)).headers.get(HUB_SECONDS_HEADER)).toBeNull()
    expect(performance.now() - began).toBeLessThan(10_000)
    await hub.close()
  })

  it('hang: never answers, until the client goes or the hub does', async () => {
    const hub = await open(['hang'])
    const left = fetch(hub.url + PATH, { signal: AbortSignal.timeout(100) })
    await expect(left).rejects.toThrow(/timeout/)
    const waiting = fetch(hub.url + PATH)
    waiting.catch(() => {})
    await fetch(`${hub.url}/elsewhere`)
    await hub.close()
    await expect(waiting).rejects.toThrow('fetch failed')
  })

  it('cut: gives the length of the whole and half of it', async () => {
    const whole = await open([])
    const { body } = await get(whole.url + PATH)
    await whole.close()
    const hub = await open(['cut'])
    const got = await new Promise<{ length: string | undefined; text: string; complete: boolean }>(
      (resolve) => {
        request(hub.url + PATH, (response) => {
          let text = ''
          response.setEncoding('utf8')
          response.on('data', (chunk: string) => {
            text += chunk
          })
          response.on('error', () => {})
          response.on('close', () =>
            resolve({ length: response.headers['content-length'], text, complete: response.complete }),
          )
        }).end()
      },
    )
    expect(got).toEqual({
      length: String(body.length),
      text: body.slice(0, body.length >> 1),
      complete: false,
    })
    await hub.close()
  })

  it('garbage: no JSON, other JSON, or one message spoiled; the same again at the same time', async () => {
    const seen = new Map<string, number>()
    for (let i = 0; i < 30; i++) {
      const hub = await open(['garbage'], { clock: driven(T + i) })
      const { status, body } = await get(hub.url + PATH)
      expect(status).toBe(200)
      expect((await get(hub.url + PATH)).body).toBe(body)
      const kind = body.startsWith('<') ? 'none' : 'messages' in JSON.parse(body) ? 'spoiled' : 'other'
      seen.set(kind, (seen.get(kind) ?? 0) + 1)
      if (kind === 'spoiled') {
        const whole = POSTS.map((_, i) => hex(i))
        const bad = hashes(JSON.parse(body) as Page).filter((hash) => !whole.includes(hash))
        expect(bad).toEqual([expect.stringMatching(/^0x[0-9a-f]{20}$/)])
      }
      await hub.close()
    }
    expect([...seen.keys()].sort()).toEqual(['none', 'other', 'spoiled'])
  })

  it('adds delays up, and lets the first other fault decide', async () => {
    const hub = await open(['500,match=reverse', 'slow', '429', 'cut'], { clock: driven(T) })
    const first = await get(`${hub.url}${PATH}&reverse=true`)
    const second = await get(hub.url + PATH)
    expect([first.status, second.status]).toEqual([500, 429])
    expect(first.headers.get(HUB_SECONDS_HEADER)).toBe('30')
    await hub.close()
  })
})
