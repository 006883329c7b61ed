import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
import type { Command } from 'commander'
import pino from 'pino'
import { stopped, stopSignal } from '../../app/stopping.ts'
import { VERSION } from '../../app/version.ts'
import { FcmError } from '../../common/errors.ts'
import { type Listening, serveMcp } from '../../connectors/farcaster/mcp-server/http-server.ts'
import { type FarcasterMcp, farcasterMcp } from '../../connectors/farcaster/mcp-server/server.ts'
import { positiveNumber, wholeNumber } from '../options.ts'

export function mcpServer(program: Command): void {
  program
    .command('mcp-server')
    .description(
      'Serves Farcaster to MCP clients: nine tools that read casts, reactions, channels and profiles',
    )
    .option('--hub <url>', 'the hub to read from [FCM_HUB] (default: http://127.0.0.1:3381)')
    .option(
      '--channels <url>',
      'the host of the channel list, /v2/all-channels (default: the hub if it is on this machine, else https://api.farcaster.xyz)',
    )
    .option(
      '--http <port>',
      'serve streamable HTTP on 127.0.0.1:<port>/mcp instead of stdio; 0: any free port',
    )
    .option('--host <address>', 'of --http: the address; whoever reaches it may ask', '127.0.0.1')
    .option('--name <name...>', 'of --http: what it is called by, beside 127.0.0.1 and localhost')
    .option('--timeout <seconds>', 'the longest that the hub may take for an answer', '10')
    .option('--verbose', 'log every call to stderr, not only those that the hub did not answer as asked')
    .addHelpText(
      'after',
      `
Example, in the configuration of an MCP client:
  {
    "mcpServers": {
      "farcaster": { "command": "npx", "args": ["fcm", "mcp-server", "--hub", "https://hub.pinata.cloud"] }
    }
  }`,
    )
    .action(async (flags) => {
      const mcp = farcasterMcp({
        hub:
          flags.hub === undefined && process.env.FCM_HUB
            ? httpUrl('FCM_HUB', process.env.FCM_HUB)
            : httpUrl('--hub', flags.hub ?? 'http://127.0.0.1:3381'),
        ...(flags.channels !== undefined && { channels: httpUrl('--channels', flags.channels) }),
        timeout: seconds(flags.timeout),
        version: VERSION,
        onCall: logger(flags.verbose ? 'debug' : 'warn'),
      })
      try {
        if (flags.http === undefined) await serveStdio(mcp)
        else
          await serveHttp(mcp, {
            port: wholeNumber('--http', flags.http, 65535),
            host: flags.host,
            names: flags.name ?? [],
          })
      } finally {
        mcp.close()
      }
    })
}

/** Until stdin ends: the client has gone. */
async function serveStdio(mcp: FarcasterMcp): Promise<void> {
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

async function serveHttp(mcp: FarcasterMcp, listening: Listening): Promise<void> {
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
  process.stdout.write(`MCP server: ${serving.url}\n`)
  await stopped(stopSignal())
  await serving.close()
}

function logger(level: string) {
  const log = pino({ level }, pino.destination({ dest: 2, sync: true }))
  return ({ tool, milliseconds, outcome }: { tool: string; milliseconds: number; outcome: string }) => {
    const fields = { tool, milliseconds: Math.round(milliseconds), outcome }
    if (outcome === 'ok' || outcome === 'asked wrongly') log.debug(fields, 'called')
    else log.warn(fields, 'the hub did not answer as asked')
  }
}

function seconds(value: string): number {
  const timeout = positiveNumber('--timeout', value)
  if (timeout <= 3600) return timeout
  throw new FcmError('OPTION_INVALID', {
    option: `--timeout "${value}"`,
    why: 'must be at most 3600',
    hint: 'It is in seconds',
  })
}

/** What is refused isn't repeated: it may hold a password. */
function httpUrl(option: string, value: string): string {
  const url = URL.canParse(value) ? new URL(value) : null
  const isBase = url && /^https?:$/.test(url.protocol) && url.search === ''
  if (isBase && url.username === '' && url.password === '') return value
  throw new FcmError('OPTION_INVALID', {
    option,
    why: isBase ? 'must be without user name and password' : 'must be the base of an HTTP API',
    hint: 'For example https://hub.pinata.cloud',
  })
}
