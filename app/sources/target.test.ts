import { expect, test, vi } from 'vitest'
import { readConfig } from '../config.ts'
import { parseTarget, targetOf } from './polling.ts'

test.each([
  ['https://mcp.example/mcp', { url: 'https://mcp.example/mcp' }],
  ['npx fcm  mcp-server', { command: 'npx', args: ['fcm', 'mcp-server'] }],
  ['node --header="X: y" a', { command: 'node', args: ['--header=X: y', 'a'] }],
  [`srv 'a b'"c d"e ''`, { command: 'srv', args: ['a bc de', ''] }],
  ['"/a b/node" x', { command: '/a b/node', args: ['x'] }],
  [`srv it's "open`, { command: 'srv', args: [`it's`, '"open'] }],
])('%s', (text, target) => expect(parseTarget(text)).toEqual(target))

test('its command gets the variables that are named, where they are set', () => {
  vi.stubEnv('KEY', 'secret')
  vi.stubEnv('OTHER', 'other')
  const config = readConfig({ mcp: 'srv a' }, { FCM_MCP_ENV: 'KEY,NOT_SET' })
  expect(targetOf(config)).toEqual({ command: 'srv', args: ['a'], env: { KEY: 'secret' } })
  expect(targetOf(readConfig({ mcp: 'srv' }, {}))).toEqual({ command: 'srv', args: [], env: {} })
})
