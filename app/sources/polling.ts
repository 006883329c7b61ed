/** The polling source with its settings. */
import { FcmError } from '../../common/errors.ts'
import { onFirst, untilItPasses } from '../../common/retry.ts'
import { MINUTE, SECOND } from '../../common/time.ts'
import { type Clock, LOOK_MS, trusted, wallClock } from '../../connectors/farcaster/source/clock.ts'
import { parseFollow } from '../../connectors/farcaster/source/follow.ts'
import { openServer, type ServerTarget } from '../../connectors/farcaster/source/mcp/open-server.ts'
import { pollingSource } from '../../connectors/farcaster/source/poll.ts'
import type { FarcasterServer } from '../../connectors/farcaster/source/port.ts'
import { publish } from '../../connectors/sources/publish.ts'
import { LIVE } from '../../pipeline/topology.ts'
import type { Config } from '../config.ts'
import type { Engines } from '../engines.ts'
import type { LiveSource } from './live-source.ts'

export type Polling = {
  server: FarcasterServer
  clock: Clock
  /** ms. */
  until?: number
  signal: AbortSignal
  onWaiting(error: FcmError): void
  onGoingOn?: (() => void) | undefined
}

/** Polls `server` into run `live` until `until` or the signal, and lets go of it. */
export async function pollServer(engines: Engines, { server, signal, onWaiting, ...rest }: Polling) {
  const { log, codec, config, logger } = engines
  const { remembered: gauge } = engines.measured
  const interval = config.pollSeconds * SECOND
  // A server that Ctrl-C has ended before us is nothing to wait for.
  const onWarning = (error: FcmError) => !signal.aborted && onWaiting(error)
  const open = pollingSource({
    ...{ server, interval, onWarning, ...rest },
    follow: parseFollow(config.follow, config.minFollowers),
    budget: Math.floor((config.requestsPerMinute * interval) / MINUTE),
    onRound({ at, followed, requests, failed, error, seconds, remembered }) {
      for (const [what, value] of Object.entries(remembered)) gauge.set({ run: LIVE, what }, value)
      const level = failed > 0 || followed === 0 ? 'warn' : 'debug'
      logger[level]({ at: new Date(at), followed, requests, failed, error, seconds }, 'round of polls')
    },
  })
  return publish({ log, codec, run: LIVE, open, signal, onWarning })
}

/** Connects as soon as the server can be reached. @throws FcmError MCP_SERVER_UNUSABLE */
export function connect(
  target: ServerTarget,
  { logger }: Engines,
  onWaiting: (error: FcmError) => void,
  signal: AbortSignal,
): Promise<FarcasterServer> {
  const onAgain = (why: string) => logger.warn({ why }, 'the MCP server was gone, and is connected to again')
  return untilItPasses(() => openServer(target, { signal, onAgain }), onFirst(onWaiting), signal)
}

/**
 * A URL, or a command with its arguments, as a shell would split them: what stands in quotes belongs together, and to what
 * it touches (`--header="X: y"`). By hand, since the pattern of string-argv takes more than linear time.
 */
export function parseTarget(text: string): ServerTarget {
  if (/^https?:\/\//.test(text)) return { url: text }
  const words: string[] = []
  // A quote that is never closed is a character as any other.
  let word: string | undefined
  for (const [part, double, single] of text.matchAll(/"([^"]*)"|'([^']*)'|\s+|[^\s"']+|["']/g)) {
    if (/^\s/.test(part)) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else word = (word ?? '') + (double ?? single ?? part)
  }
  if (word !== undefined) words.push(word)
  const [command = text, ...args] = words
  return { command, args }
}

/** The server that the settings name, with the variables that they give it. */
export function targetOf({ mcp = '', mcpEnv }: Config): ServerTarget {
  const given = mcpEnv.split(',').flatMap((name) => {
    const value = process.env[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  const target = parseTarget(mcp)
  return 'url' in target ? target : { ...target, env: Object.fromEntries(given) }
}

/** The MCP server of the settings, polled by the wall clock. */
export function polledSource(engines: Engines): LiveSource {
  const { mcp, pollSeconds, requestsPerMinute } = engines.config
  if (mcp === undefined)
    throw new FcmError('OPTION_INVALID', {
      option: 'FCM_SOURCE=server',
      why: 'is without a server',
      hint: 'Name one with --mcp or FCM_MCP',
    })
  // One for all the times that this process is the source: a jump between two of them is none less.
  const time = trusted()
  // While another is, it would not be looked at, and many small corrections would come to a jump.
  setInterval(time.look, LOOK_MS).unref()
  return {
    origin: { kind: 'server' },
    liveFrom: Date.now(),
    hasHistory: false,
    pace: `polling every ${pollSeconds} s`,
    async publish({ signal, onWaiting, onGoingOn, beforeLive }) {
      const server = await connect(targetOf(engines.config), engines, onWaiting, signal).catch((error) => {
        if (!signal.aborted) throw error
      })
      if (!server) return { finished: false }
      await beforeLive()
      const clock = wallClock(requestsPerMinute, signal, time)
      return pollServer(engines, { server, clock, signal, onWaiting, onGoingOn })
    },
  }
}
