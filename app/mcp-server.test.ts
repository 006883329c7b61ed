import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cast } from '../connectors/farcaster/fixtures.ts'
import { type FakeHub, fakeHub, pageOf } from '../connectors/farcaster/mcp-server/fake-hub.fixture.ts'
import { fcm, spawnFcm } from './testing.ts'

const FCM = fileURLToPath(new URL('../bin/fcm.js', import.meta.url))
const NODE = ['--disable-warning=ExperimentalWarning', FCM, 'mcp-server']
const CHANNEL = 'https://onchainsummer.xyz'
const SECRET = 'what a stranger wrote'

let hub: FakeHub
beforeAll(async () => {
  const posts = [{ ...cast(1, Date.UTC(2024, 1, 5), CHANNEL), text: SECRET }]
  hub = await fakeHub((path, query) =>
    path === '/v1/castsByParent'
      ? query.get('url') === CHANNEL
        ? { json: pageOf(posts, query) }
        : { status: 500, json: { details: SECRET } }
      : undefined,
  )
})
afterAll(() => hub.close())

async function textOf(client: Client, channel: string): Promise<string> {
  const { content } = await client.callTool({ name: 'get-channel-casts', arguments: { channel } })
  return (content as [{ text: string }])[0].text
}

test('over stdio: nothing but the protocol on stdout, no text of strangers on stderr', async () => {
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [...NODE, '--verbose'],
    env: { PATH: process.env.PATH ?? '', FCM_HUB: `${hub.url}/v1` },
    stderr: 'pipe',
  })
  let logged = ''
  transport.stderr?.on('data', (chunk) => {
    logged += chunk
  })
  const client = new Client({ name: 'test', version: '1' })
  const errors: Error[] = []
  client.onerror = (error) => errors.push(error)
  await client.connect(transport)
  expect((await client.listTools()).tools).toHaveLength(9)
  expect(await textOf(client, CHANNEL)).toContain(`   Text: ${SECRET}\n`)
  expect(await textOf(client, 'https://failing.example')).toBe(
    `Error fetching channel casts: Hubble API error: 500 - ${SECRET}`,
  )
  await client.close()
  expect(errors).toEqual([])
  expect(
    logged
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toMatchObject([
    { tool: 'get-channel-casts', outcome: 'ok' },
    { tool: 'get-channel-casts', outcome: 'refused' },
  ])
  expect(logged).not.toContain(SECRET)
})

test('over stdio it ends when its client has gone', async () => {
  const child = spawn(process.execPath, NODE, { stdio: ['pipe', 'pipe', 'pipe'] })
  child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' })}\n`)
  const [answer] = await once(child.stdout, 'data')
  expect(JSON.parse(String(answer))).toEqual({ jsonrpc: '2.0', id: 1, result: {} })
  child.stdin.end()
  expect(await once(child, 'close')).toEqual([0, null])
})

test('over HTTP', async () => {
  const server = spawnFcm(['mcp-server', '--hub', hub.url, '--http', '0'])
  await server.says(/MCP server: .*\n/)
  const [, url] = /MCP server: (http:\/\/127\.0\.0\.1:\d+\/mcp)/.exec(server.said.stdout)!
  const client = new Client({ name: 'test', version: '1' })
  await client.connect(new StreamableHTTPClientTransport(new URL(url!)) as Transport)
  expect(await textOf(client, CHANNEL)).toContain(SECRET)

  const second = await fcm(['mcp-server', '--http', new URL(url!).port])
  expect(second.stderr).toMatch(/--http \d+: is taken by another program/)
  expect(second.code).toBe(2)
  await client.close()
  server.kill('SIGTERM')
  expect((await server.ended).code).toBe(0)
})

test.for([
  [['--hub', 'hub.example'], /--hub: must be the base of an HTTP API/],
  [['--channels', 'https://user:pa55@hub.example'], /--channels: must be without user name and password/],
  [['--timeout', '0'], /--timeout "0": must be a number above 0/],
  [['--http', '70000'], /--http "70000": must be a whole number up to 65535/],
] as const)('%s', async ([args, words]) => {
  const { code, stderr } = await fcm(['mcp-server', ...args])
  expect(stderr).toMatch(words)
  expect(stderr).not.toContain('pa55')
  expect(code).toBe(2)
})
