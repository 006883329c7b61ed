import { once } from 'node:events'
import { request } from 'node:http'
import { beforeAll, describe, expect, it } from 'vitest'
import { FcmError } from '../common/errors.ts'
import type { Admin } from './routes/admin.ts'
import { testApi } from './testing.ts'

const TOKEN = 'a-token'
const authorization = `Bearer ${TOKEN}`
const ROUTES = [
  ['POST', '/admin/backfills'],
  ['DELETE', '/admin/runs/history'],
  ['GET', '/admin/dead-letters'],
  ['POST', '/admin/dead-letters/redrive'],
] as const

const LETTER = { source: 'x/0/1', reason: 'why', key: null, schemaId: 7, bytes: 3, headers: {} }

async function adminApi(overrides: Partial<Admin> = {}) {
  const asked: unknown[] = []
  const { app, logged } = await testApi({
    admin: {
      token: TOKEN,
      backfill: async (request, onProgress) => {
        asked.push(request)
        onProgress({ records: 1 })
        await new Promise(setImmediate)
        onProgress({ records: 2 })
        await new Promise(setImmediate)
        return { records: 2 }
      },
      deleteRun: async (run) => {
        asked.push(run)
        if (run === 'none') throw new FcmError('RUN_UNKNOWN', { run })
        if (run === 'live') throw new FcmError('RUN_IS_LIVE', { run })
      },
      deadLetters: async (run, source) => {
        asked.push([run, source])
        return [LETTER]
      },
      atWork: () => [],
      redrive: async (run, ids) => {
        asked.push([run, ids])
        return { redriven: 3, fromFiles: 0 }
      },
      ...overrides,
    },
  })
  const ask = (method: 'GET' | 'POST' | 'DELETE', url: string, payload?: object) =>
    app.inject({ method, url, headers: { authorization }, ...(payload && { payload }) })
  return { app, ask, asked, logged }
}
const linesOf = (body: string) =>
  body
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

describe('admin routes', () => {
  /** One for all that is refused, or only read. */
  let shared: Awaited<ReturnType<typeof adminApi>>
  beforeAll(async () => {
    shared = await adminApi()
  })

  it.each(ROUTES)('%s %s want the token, before they read anything', async (method, url) => {
    const { app, asked } = shared
    for (const wrong of [
      undefined,
      'Bearer ',
      'Bearer a-tokem',
      `Bearer ${TOKEN}x`,
      TOKEN,
      `Basic ${TOKEN}`,
    ]) {
      const headers = { 'content-type': 'application/json', ...(wrong && { authorization: wrong }) }
      const answer = await app.inject({ method, url, headers, payload: '{not json' })
      expect([wrong, answer.statusCode]).toEqual([wrong, 401])
      expect(answer.headers['www-authenticate']).toBe('Bearer')
      expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/)
    }
    expect(asked).toEqual([])
  })

  it.each(ROUTES)('%s %s answer on the same machine only', async (method, url) => {
    const { app } = shared
    for (const remoteAddress of ['10.0.0.1', '::ffff:10.0.0.1', '2001:db8::1']) {
      const answer = await app.inject({ method, url, remoteAddress, headers: { authorization } })
      expect([remoteAddress, answer.statusCode]).toEqual([remoteAddress, 403])
    }
  })

  it.each(['127.0.0.1', '127.1.2.3', '::1', '::ffff:127.0.0.1'])(
    'know %s as the same machine',
    async (remoteAddress) => {
      const { app } = shared
      const answer = await app.inject({
        url: '/admin/dead-letters',
        remoteAddress,
        headers: { authorization },
      })
      expect(answer.statusCode).toBe(200)
    },
  )

  it('delete a run', async () => {
    const { ask, asked } = await adminApi()
    const answer = await ask('DELETE', '/admin/runs/history')
    expect([answer.statusCode, answer.body, asked]).toEqual([204, '', ['history']])
    expect((await ask('DELETE', '/admin/runs/none')).json()).toMatchObject({ status: 404 })
    expect((await ask('DELETE', '/admin/runs/live')).json()).toMatchObject({ status: 409 })
    expect((await ask('DELETE', '/admin/runs/No')).json()).toMatchObject({
      status: 400,
      errors: [{ name: 'run' }],
    })
  })

  it('list and redrive dead letters', async () => {
    const { ask, asked } = await adminApi()
    expect((await ask('GET', '/admin/dead-letters?run=history')).json()).toEqual({
      items: [LETTER],
      next: null,
    })
    const url = '/admin/dead-letters/redrive'
    expect((await ask('POST', url, { ids: ['x/0/1'] })).json()).toEqual({ redriven: 3, fromFiles: 0 })
    await ask('POST', url, { run: 'history' })
    expect(asked).toEqual([
      ['history', undefined],
      ['live', ['x/0/1']],
      ['history', undefined],
    ])
    expect((await ask('POST', url, { ids: [] })).statusCode).toBe(400)
    expect((await ask('GET', '/admin/dead-letters?run=typo')).statusCode).toBe(404)
  })
})

describe('a backfill', () => {
  let refusing: Awaited<ReturnType<typeof adminApi>>
  beforeAll(async () => {
    refusing = await adminApi()
  })
  const body = { files: ['/a.ndjson.gz'], run: 'history', from: '2024-02-05T00:00:00Z' }

  it('tells its progress and its end as lines of JSON', async () => {
    const { ask, asked } = await adminApi()
    const answer = await ask('POST', '/admin/backfills', body)
    expect(answer.statusCode).toBe(200)
    expect(answer.headers['content-type']).toMatch(/^application\/x-ndjson/)
    expect(linesOf(answer.body)).toEqual([
      { type: 'progress', records: 1 },
      { type: 'progress', records: 2 },
      { type: 'done', records: 2 },
    ])
    expect(asked).toEqual([{ files: body.files, run: 'history', from: Date.UTC(2024, 1, 5), to: undefined }])
  })

  it.each([
    [{ ...body, files: [] }, 'files', 'must NOT have fewer than 1 items'],
    [{ ...body, files: ['a\0b'] }, 'files.0', 'must be a name'],
    [{ files: ['a'] }, 'run', 'is missing'],
    [{ ...body, run: 'No' }, 'run', 'must name a run'],
    [{ ...body, to: 'now' }, 'to', 'must be a time in UTC'],
    [{ ...body, speed: 1 }, 'speed', 'is not known here'],
    [{ ...body, to: '2024-02-04T00:00:00Z' }, 'from', 'lies after'],
  ])('refuses %j', async (payload, name, detail) => {
    const { ask, asked } = refusing
    const problem = (await ask('POST', '/admin/backfills', payload)).json()
    expect(problem.errors).toEqual([{ in: 'body', name, detail: expect.stringContaining(detail) }])
    expect(asked).toEqual([])
  })

  it('refuses what is not JSON', async () => {
    const { app } = await adminApi()
    const post = (payload: string, type: string) =>
      app.inject({
        method: 'POST',
        url: '/admin/backfills',
        payload,
        headers: { authorization, 'content-type': type },
      })
    expect((await post('{', 'application/json')).json()).toMatchObject({ status: 400 })
    expect((await post('<x/>', 'text/xml')).json()).toMatchObject({ status: 415 })
    expect((await post('', 'application/json')).json()).toMatchObject({ status: 400 })
  })

  it('ends with its error: in words when a person can help, else in the log', async () => {
    const told = await adminApi({
      backfill: async () => {
        throw new FcmError('FILE_UNREADABLE', { file: '/a', why: 'no such file' })
      },
    })
    expect(linesOf((await told.ask('POST', '/admin/backfills', body)).body)).toEqual([
      { type: 'error', code: 'FILE_UNREADABLE', detail: "Can't read /a: no such file." },
    ])
    const broken = await adminApi({ backfill: () => Promise.reject(new TypeError('inner secret')) })
    const answer = await broken.ask('POST', '/admin/backfills', body)
    expect(linesOf(answer.body)).toMatchObject([{ type: 'error', code: 'FAULT' }])
    expect(answer.body).not.toContain('secret')
    expect(broken.logged.find(({ msg }) => msg === 'backfill failed')).toMatchObject({
      level: 50,
      err: { message: 'inner secret' },
    })
  })

  it('tells a slow reader the latest progress only', async () => {
    const { ask } = await adminApi({
      backfill: async (_request, onProgress) => {
        for (let records = 1; records <= 100_000; records++) onProgress({ records })
        await new Promise(setImmediate)
        return {}
      },
    })
    const lines = linesOf((await ask('POST', '/admin/backfills', body)).body)
    expect(lines).toEqual([{ type: 'progress', records: 100_000 }, { type: 'done' }])
  })

  /** A backfill that goes on until it is told to stop, and then needs a while. */
  const stubborn = () => {
    const state: { signal?: AbortSignal; ended: boolean } = { ended: false }
    const backfill: Admin['backfill'] = async (_request, onProgress, signal) => {
      state.signal = signal
      onProgress({ records: 1 })
      await once(signal, 'abort')
      onProgress({ records: 2 })
      await new Promise((resolve) => setTimeout(resolve, 100))
      state.ended = true
      return {}
    }
    return { state, backfill }
  }

  it('is told to stop when its reader goes', async () => {
    const { state, backfill } = stubborn()
    const { app } = await adminApi({ backfill })
    const url = await app.listen({ host: '127.0.0.1', port: 0 })
    const headers = { authorization, 'content-type': 'application/json' }
    const asked = request(`${url}/admin/backfills`, { method: 'POST', headers })
    asked.end(JSON.stringify(body))
    const [response] = (await once(asked, 'response')) as [import('node:http').IncomingMessage]
    response.on('error', () => {})
    expect(JSON.parse(String((await once(response, 'data'))[0]))).toEqual({ type: 'progress', records: 1 })
    expect(state.signal!.aborted).toBe(false)
    response.destroy()
    await expect.poll(() => state.ended).toBe(true)
    await app.close()
  })

  it('has stopped by the time the server has, also when none listens', async () => {
    const { state, backfill } = stubborn()
    const { app } = await adminApi({ backfill })
    const answer = await app.inject({
      method: 'POST',
      url: '/admin/backfills',
      headers: { authorization },
      payload: body,
      payloadAsStream: true,
    })
    const cut = expect(answer.stream().toArray()).rejects.toThrow()
    await expect.poll(() => state.signal).toBeDefined()
    await app.close()
    expect(state.ended).toBe(true)
    await cut
  })
})
