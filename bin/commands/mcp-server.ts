import type { Command } from 'commander'
import { loggedCalls, serveHttp, serveStdio } from '../../app/mcp-server.ts'
import { VERSION } from '../../app/version.ts'
import { FcmError } from '../../common/errors.ts'
import { farcasterMcp } from '../../connectors/farcaster/mcp-server/server.ts'
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
        onCall: loggedCalls(flags.verbose ? 'debug' : 'warn'),
      })
      try {
        if (flags.http === undefined) await serveStdio(mcp)
        else {
          const port = wholeNumber('--http', flags.http, 65535)
          await serveHttp(mcp, { port, host: flags.host, names: flags.name ?? [] }, (url) => {
            process.stdout.write(`MCP server: ${url}\n`)
          })
        }
      } finally {
        mcp.close()
      }
    })
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
