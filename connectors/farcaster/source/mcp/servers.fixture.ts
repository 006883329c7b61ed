/** What tests of MCP servers have in common: opening them, asking them for posts, and how they are refused. */
import { expect } from 'vitest'
import { FcmError } from '../../../../common/errors.ts'
import { SECOND } from '../../../../common/time.ts'
import type { FarcasterServer } from '../port.ts'
import { type Kind, START } from './mcp.fixture.ts'
import { openServer, type ServerTarget } from './open-server.ts'

export const SINCE = START - 3600 * SECOND
const FIXTURE = new URL('mcp.fixture.ts', import.meta.url).pathname
export const command = (kind: Kind, ...rest: string[]): ServerTarget => ({
  command: process.execPath,
  args: [FIXTURE, kind, ...rest],
})

/** Closed after each test of a file that says `afterEach(closeOpened)`. */
export const opened: { close(): unknown }[] = []
export async function closeOpened(): Promise<void> {
  for (const one of opened.splice(0)) await one.close()
}
export async function open(target: ServerTarget, timeout = 20_000): Promise<FarcasterServer> {
  const server = await openServer(target, { timeout })
  opened.push(server)
  return server
}
export const posts = (server: FarcasterServer, what: string, since = SINCE) =>
  server.posts(`https://x/${what}`, since)
export const textOf = async (server: FarcasterServer, what: string): Promise<string> => {
  const answer = await posts(server, what)
  return answer.outcome === 'page' ? answer.items[0]!.text : answer.outcome
}
export async function refusal(target: ServerTarget, timeout = 20_000): Promise<FcmError> {
  const error = await openServer(target, { timeout }).then(
    () => null,
    (e: unknown) => e,
  )
  expect(error).toBeInstanceOf(FcmError)
  return error as FcmError
}
