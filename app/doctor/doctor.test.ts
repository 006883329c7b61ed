import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { here } from '../../bin/testing.ts'
import { fcm, temporaryDir } from '../testing.ts'
import { clockFinding, schemas, topicFindings } from './deployment.ts'

type Finding = { check: string; state: string; found: string; mend?: string }

const { dir, remove } = temporaryDir()
afterAll(remove)
const doctor = async (env: Record<string, string>, run = here) => {
  const began = Date.now()
  const { stdout, code } = await run(['doctor', '--json', '--data-dir', join(dir, 'none')], env)
  const findings = JSON.parse(stdout) as Finding[]
  const broken = findings.filter(({ state }) => state === 'broken')
  return { findings, broken, code, ms: Date.now() - began }
}
const away = (address: string) => ({
  KAFKA_BROKERS: address,
  SCHEMA_REGISTRY_URL: `http://${address}`,
  DATABASE_URL: `postgres://fcm@${address}/x`,
  FCM_MCP: `http://${address}/mcp`,
})
const ENGINES = ['Kafka', 'Schema registry', 'Database', 'MCP server']

describe('on Kafka', () => {
  test('each of the engines that is away is named', async () => {
    const { broken, code } = await doctor(away('127.0.0.1:1'))
    expect(broken.map(({ check }) => check)).toEqual(ENGINES)
    for (const { found } of broken) expect(found).toMatch(/does not answer: .*\. Check /)
    expect(code).toBe(1)
  })

  test('those that never answer are, too, and not waited for', async () => {
    const sockets = new Set<Socket>()
    const silent = createServer((socket) => {
      sockets.add(socket)
      socket.on('error', () => {})
    })
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const { port } = silent.address() as AddressInfo
    // Nor does the process wait for them when all is said.
    const { broken, ms } = await doctor(away(`127.0.0.1:${port}`), fcm)
    expect(broken.map(({ check }) => check)).toEqual(ENGINES)
    // Six seconds, and the start of a process on a busy machine.
    expect(ms).toBeLessThan(20_000)
    for (const socket of sockets) socket.destroy()
    silent.close()
  })

  test('what is not set is named', async () => {
    const { code, stderr } = await here(['doctor'], { KAFKA_BROKERS: '127.0.0.1:1' })
    expect([code, stderr]).toEqual([2, expect.stringContaining('SCHEMA_REGISTRY_URL: must be set')])
  })
})

describe('topics', () => {
  const topic = (name: string, partitions: number | null = 4) => ({ name, partitions, differing: [] })

  test('that are as they should be', () => {
    expect(topicFindings([topic('a'), topic('b')], ['k:1'])).toEqual([
      { check: 'Topics', state: 'ok', found: 'those of run live are there, with 4 partitions each' },
    ])
  })

  test('that are missing', () => {
    expect(topicFindings([topic('a'), topic('b', null)], ['k:1'])).toMatchObject([
      { state: 'broken', found: 'run live has no b', mend: expect.stringContaining('fcm migrate') },
    ])
  })

  test('with fewer partitions than others', () => {
    expect(topicFindings([topic('a'), topic('b', 2)], ['k:1'])).toMatchObject([
      {
        state: 'broken',
        found: 'b has 2 partitions, others have 4',
        mend: expect.stringContaining('--partitions 4'),
      },
    ])
  })

  test('with more than one where one adds up', () => {
    const partials = topic('fcm.live.partials', 1)
    expect(topicFindings([topic('a'), partials], ['k:1'])).toMatchObject([{ state: 'ok' }])
    expect(topicFindings([topic('a'), { ...partials, partitions: 4 }], ['k:1'])).toMatchObject([
      {
        state: 'broken',
        found: expect.stringContaining('fcm.live.partials has 4 partitions, and must have 1'),
      },
    ])
  })

  test('with other settings, and the command that mends them', () => {
    const differing = [{ setting: 'retention.ms', found: '1', wanted: '2' }]
    expect(topicFindings([{ ...topic('a'), differing }, topic('b')], ['k:1', 'k:2'])).toMatchObject([
      {
        ...{ state: 'attention', found: 'a has retention.ms=1' },
        mend: expect.stringMatching(
          /--bootstrap-server k:1,k:2 .*--entity-name a --add-config retention.ms=2$/,
        ),
      },
    ])
  })
})

test('clocks that are more than 5 s apart are told of', () => {
  expect(clockFinding(-5000)).toMatchObject({ state: 'ok' })
  expect(clockFinding(7000)).toMatchObject({
    state: 'attention',
    found: expect.stringContaining('7 s ahead of'),
  })
  expect(clockFinding(-61_000)).toMatchObject({
    state: 'attention',
    found: expect.stringContaining('61 s behind'),
  })
})

test('schemas whose compatibility is not BACKWARD are told of', async () => {
  const levels: Record<string, string> = { '': 'BACKWARD', '/fcm.Cast': 'NONE', '/fcm.Idle': 'BACKWARD' }
  const registry = createHttpServer((request, response) => {
    const of = request.url!.replace('/config', '')
    const answer =
      request.method === 'POST' ? { id: 1, version: 1 } : levels[of] && { compatibilityLevel: levels[of] }
    response.writeHead(answer ? 200 : 404, { 'content-type': 'application/json' })
    response.end(JSON.stringify(answer ?? { error_code: 40408 }))
  })
  await new Promise<void>((resolve) => registry.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(registry.address() as AddressInfo).port}`
  expect(await schemas({ url })).toMatchObject([
    {
      ...{ state: 'attention', found: 'the compatibility of fcm.Cast (NONE) is not BACKWARD' },
      mend: expect.stringContaining(`${url}/config/SUBJECT`),
    },
  ])
  delete levels['/fcm.Cast']
  expect(await schemas({ url })).toMatchObject([{ state: 'ok' }])
  registry.close()
})
