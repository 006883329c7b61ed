import { pino } from 'pino'
import { Counter, Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { createHealthApi } from './health.ts'

function health(options: Partial<Parameters<typeof createHealthApi>[0]> = {}) {
  const logged: string[] = []
  const logger = pino({}, { write: (line: string) => void logged.push(JSON.parse(line).msg) })
  const metrics = new Registry()
  new Counter({ name: 'fcm_records_total', help: 'x', registers: [metrics] }).inc(7)
  const app = createHealthApi({
    ...{ logger, metrics, host: '127.0.0.1', failures: () => [], needs: [], readings: [], ...options },
  })
  const get = (url: string, host = '127.0.0.1') => app.inject({ url, headers: { host } })
  return { app, get, logged }
}

test('a process is ready while what it needs answers and nothing in it has failed', async () => {
  const failures: string[] = []
  let isAway = false
  const ping = async () => {
    if (isAway) throw new Error('ECONNREFUSED')
  }
  const { get, logged } = health({ failures: () => failures, needs: [{ what: 'The event log', ping }] })
  expect((await get('/readyz')).json()).toEqual({ status: 'ok' })
  isAway = true
  failures.push('Processing has stopped.')
  const answer = await get('/readyz')
  expect(answer.statusCode).toBe(503)
  expect(answer.json()).toMatchObject({ detail: 'Processing has stopped. The event log does not answer.' })
  expect(logged).toContain('The event log does not answer')
  // It is up all the same.
  expect((await get('/healthz')).json()).toEqual({ status: 'ok' })
  expect(failures).toHaveLength(1)
})

test('what never answers is away', async () => {
  const { get } = health({ needs: [{ what: 'The database', ping: () => new Promise(() => {}) }] })
  const began = Date.now()
  expect((await get('/readyz')).json()).toMatchObject({ detail: 'The database does not answer.' })
  expect(Date.now() - began).toBeLessThan(5000)
})

test('metrics are told, whatever can not be brought up to date', async () => {
  const read = async () => {
    throw new Error('log away')
  }
  const { get, logged } = health({ readings: [{ what: 'lag', read, clear: () => {} }] })
  expect((await get('/metrics')).body).toContain('fcm_records_total 7')
  expect(logged).toEqual(['lag is not known'])
})

test('nothing else is there, and on loopback it answers to names of loopback only', async () => {
  const { get } = health()
  expect((await get('/v1/alerts')).statusCode).toBe(404)
  expect((await get('/healthz', 'evil.example')).statusCode).toBe(421)
  const everywhere = health({ host: '0.0.0.0' })
  expect((await everywhere.get('/healthz', 'evil.example')).statusCode).toBe(421)
  expect((await everywhere.get('/healthz', '10.1.2.3:8080')).statusCode).toBe(200)
})
