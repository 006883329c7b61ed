import { expect, test } from 'vitest'
import { parseTarget } from './polling.ts'

test.each([
  ['https://mcp.example/mcp', { url: 'https://mcp.example/mcp' }],
  ['npx fcm  mcp-server', { command: 'npx', args: ['fcm', 'mcp-server'] }],
  ['node --header="X: y" a', { command: 'node', args: ['--header=X: y', 'a'] }],
  [`srv 'a b'"c d"e ''`, { command: 'srv', args: ['a bc de', ''] }],
  ['"/a b/node" x', { command: '/a b/node', args: ['x'] }],
  [`srv it's "open`, { command: 'srv', args: [`it's`, '"open'] }],
])('%s', (text, target) => expect(parseTarget(text)).toEqual(target))
