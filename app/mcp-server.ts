/** The MCP server of `fcm mcp-server`, as a process that serves until it is to end. */
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
import pino from 'pino'
import { FcmError } from '../common/errors.ts'
import { type Listening, serveMcp } from '../connectors/farcaster/mcp-server/http-server.ts'
import type { FarcasterMcp } from '../connectors/farcaster/mcp-server/server.ts'
import { stopped, stopSignal } from './stopping.ts'

/** Until stdin ends: the client has gone. */
export async function serveStdio(mcp: FarcasterMcp): Promise<void> {
  const server = mcp.server()
  const ended = new Promise<void>((resolve) => {
    process.stdin.once('end', resolve).once('close', resolve)
    process.stdout.once('error', () => resolve())
  })
  // The transport waits for the drain of each answer that a full pipe holds up, and answers are many at once.
  process.stdout.setMaxListeners(0)
  await server.connect(new StdioServerTransport())
  await Promise.race([ended, stopped(stopSignal())])
  await server.close()
}

/** Until it is told to stop. `onServing`: where it can be asked. */
export async function serveHttp(
  mcp: FarcasterMcp,
  listening: Listening,
  onServing: (url: string) => void,
): Promise<void> {
  const serving = await serveMcp(mcp, listening).catch((error: NodeJS.ErrnoException) => {
    throw new FcmError('OPTION_INVALID', {
      option: `--http ${listening.port}`,
      why:
        error.code === 'EADDRINUSE'
          ? 'is taken by another program'
          : `can't be listened on (${error.code ?? error.message})`,
      hint: 'Stop that one, or choose another port',
    })
  })
  onServing(serving.url)
  await stopped(stopSignal())
  await serving.close()
}

/** Tells of calls on stderr: of those that the hub did not answer as asked, at level `debug` of all. */
export function loggedCalls(level: 'debug' | 'warn') {
  const log = pino({ level }, pino.destination({ dest: 2, sync: true }))
  return ({ tool, milliseconds, outcome }: { tool: string; milliseconds: number; outcome: string }) => {
    const fields = { tool, milliseconds: Math.round(milliseconds), outcome }
    if (outcome === 'ok' || outcome === 'asked wrongly') log.debug(fields, 'called')
    else log.warn(fields, 'the hub did not answer as asked')
  }
}
