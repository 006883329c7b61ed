/** A command ends as the error says that was met behind the API. */

import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { problemType } from '../api/problem-type.ts'
import { connect } from './client.ts'
import { readConfig } from './config.ts'
import { dataDir, fcm } from './testing.ts'

const { dir, remove } = dataDir()

/** What the owner of the data directory answers to anything but the question whether it is the owner. */
let answer = { status: 200, body: '' }
const owner = createServer((request, response) => {
  const { status, body } = request.url === '/admin' ? { status: 200, body: '{}' } : answer
  response.writeHead(status).end(body)
})
beforeAll(async () => {
  await new Promise<void>((resolve) => owner.listen(0, '127.0.0.1', resolve))
  const { port } = owner.address() as AddressInfo
  const note = { pid: process.pid, url: `http://127.0.0.1:${port}`, token: 'x' }
  writeFileSync(join(dir, 'owner.json'), JSON.stringify(note))
})
afterAll(() => {
  owner.close()
  remove()
})

const problem = (status: number, code?: string) => ({
  status,
  body: JSON.stringify({ ...(code && { type: problemType(code) }), status, detail: 'In its\nwords.' }),
})

test.each([
  [problem(404, 'RUN_UNKNOWN'), 'RUN_UNKNOWN', 2],
  [problem(503, 'ANSWER_TOO_SLOW'), 'ANSWER_TOO_SLOW', 1],
  [problem(503, 'DATABASE_UNREACHABLE'), 'DATABASE_UNREACHABLE', 4],
  [problem(500, 'KAFKA_REFUSED'), 'KAFKA_REFUSED', 4],
  [problem(400, 'REQUEST_INVALID'), 'ASKED_WRONGLY', 2],
  [problem(400, 'TO_STRING'), 'ASKED_WRONGLY', 2],
  [problem(429), 'ANSWER_AWAY', 4],
  [problem(503), 'ANSWER_AWAY', 4],
  [problem(500), 'FAULT', 70],
])('%j is %s', async (told, code, exit) => {
  answer = told
  const client = await connect(readConfig({ dataDir: dir }, {}), { create: true })
  await expect(client.json({ path: '/v1/runs' })).rejects.toMatchObject({
    ...{ code, exit, message: 'In its words.' },
  })
})

test.each([
  ['before it is asked', false],
  ['before it has answered', true],
])('what is given up %s, without an owner, is told as that', async (_, later) => {
  const own = dataDir()
  const client = await connect(readConfig({ dataDir: own.dir }, {}), { create: true })
  const giving = new AbortController()
  const { signal } = giving
  if (!later) giving.abort()
  const asked = client.stream({ path: '/v1/runs', signal })
  if (later) giving.abort()
  await expect(asked).rejects.toBe(signal.reason)
  await client.close()
  own.remove()
})

test('what is no problem is told by its status', async () => {
  answer = { status: 502, body: '<html>' }
  const client = await connect(readConfig({ dataDir: dir }, {}), { create: true })
  await expect(client.json({ path: '/v1/runs' })).rejects.toMatchObject({
    ...{ code: 'FAULT', message: 'The answer was 502.' },
  })
})

test.each([
  ['ROLE_FAILED', 4],
  ['FAULT', 70],
  ['ARCHIVE_GREW', 2],
  ['OF_A_LATER_VERSION', 70],
])('a backfill that ended with %s ends with %d', async (code, exit) => {
  answer = { status: 200, body: `${JSON.stringify({ type: 'error', code, detail: 'It says so.' })}\n` }
  const ended = await fcm(['backfill', 'x', '--run', 'x', '--data-dir', dir])
  expect(ended).toMatchObject({ code: exit, stderr: expect.stringMatching(/^fcm: It says so\.$/m) })
})
