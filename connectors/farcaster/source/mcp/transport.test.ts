import { expect, test } from 'vitest'
import { nameOf, type ServerTarget } from './transport.ts'

const command = (...words: string[]): ServerTarget => ({ command: words[0]!, args: words.slice(1) })

test.each([
  [command('/usr/bin/node', '--no-warnings=x', '/opt/fcm/fcm.js', 'mcp-server'), 'node fcm.js mcp-server'],
  [command('npx', '-y', 'farcaster-mcp'), 'npx farcaster-mcp'],
  [command('srv', '--key', 'SECRET', '-k', 'SECRET', '--k=SECRET', 'KEY=SECRET', 'last'), 'srv last'],
  [command('srv', 'a', 'b', 'c', 'd', 'e'), 'srv a b c d'],
  [command('srv', `a\n\u001b[31m${'b'.repeat(200)}`), `srv a ${'b'.repeat(94)}`],
  [{ url: 'https://user:SECRET@mcp.example/mcp?key=SECRET' }, 'https://mcp.example/mcp'],
  [{ url: 'SECRET' }, 'that URL'],
])('a server is told by name, without what may be secret: %j', (target, name) => {
  expect(nameOf(target)).toBe(name)
})
