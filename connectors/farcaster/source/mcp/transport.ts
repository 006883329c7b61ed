/** How an MCP server is reached: started as a process of ours, or found at its URL. */
import { basename } from 'node:path'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { oneLine, urlOf } from '../../../../common/text.ts'
import { SECOND } from '../../../../common/time.ts'
import { Unanswered } from './failures.ts'
import { boundedFetch } from './fetch.ts'
import { stdioTransport } from './stdio.ts'

/**
 * A command that is started and spoken with over its standard input and output, or the URL of a server that runs. `env`:
 * beside the few variables that any program needs; nothing else of ours, which holds passwords, is passed on.
 */
export type ServerTarget = { command: string; args: string[]; env?: Record<string, string> } | { url: string }

/** A way to a server. */
export type Line = {
  transport: Transport
  /** How it was lost. */
  gone: () => Unanswered
  /** Waits, for at most 5 s, until the server that we started has ended. */
  ended: () => Promise<void>
}

export function openTransport(target: ServerTarget, timeout: number, maxAnswer: number): Line {
  if ('url' in target) {
    const transport = new StreamableHTTPClientTransport(httpUrl(target.url), {
      fetch: boundedFetch(timeout, maxAnswer),
    })
    // `sessionId?: string` there, `sessionId: string | undefined` here: no difference to anyone.
    return {
      transport: transport as Transport,
      gone: () => new Unanswered('the connection was lost'),
      ended: async () => {},
    }
  }
  if (target.command.trim() === '') throw new Error('it names no command')
  const basic = Object.fromEntries(PASSED.map((name) => [name, process.env[name]]))
  // Servers with text results print times by locale and zone.
  const env = { ...basic, ...target.env, TZ: 'UTC', LC_ALL: 'sv_SE.UTF-8' }
  let line = ''
  const transport = stdioTransport({ ...target, env }, maxAnswer, (chunk) => {
    line = lastLine(line + chunk.toString('utf8'))
  })
  const left = new Promise<void>((resolve) => {
    transport.onclose = resolve
  })
  return {
    transport,
    gone: () => new Unanswered('the server has ended', oneLine(line, 200)),
    ended: async () => {
      let timer: NodeJS.Timeout | undefined
      const limit = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, 5 * SECOND)
      })
      await Promise.race([left, limit])
      clearTimeout(timer)
    },
  }
}

/** Of our environment. What a server asks a hub with is told to it, and to nobody else, by `FCM_HUB`. */
const PASSED = ['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'TERM', 'LANG', 'TMPDIR', 'FCM_HUB']

/** What follows the last line break that anything follows, in at most 1,000 characters. */
function lastLine(text: string): string {
  const end = text.trimEnd().length
  const start = text.lastIndexOf('\n', end - 1) + 1
  return text.slice(start).slice(0, 1000)
}

function httpUrl(text: string): URL {
  const url = urlOf(text)
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') throw new Error('this is no http(s) URL')
  if (url.username !== '' || url.password !== '') throw new Error('a URL with a password in it is not used')
  return url
}

/**
 * For messages, in at most 100 characters: what may hold secrets is left out, so user names and queries of URLs, and of
 * commands all options with their values.
 */
export function nameOf(target: ServerTarget): string {
  if ('url' in target) {
    const url = urlOf(target.url)
    return url ? oneLine(`${url.protocol}//${url.host}${url.pathname}`, 100) : 'that URL'
  }
  const words = target.args.filter(
    (word, i) => !word.startsWith('-') && !word.includes('=') && !takesValue(target.args[i - 1] ?? ''),
  )
  return (
    oneLine([target.command, ...words.slice(0, 4)].map((word) => basename(word)).join(' '), 100) ||
    'that command'
  )
}

const takesValue = (word: string): boolean =>
  word.startsWith('-') && !word.includes('=') && !/^(-y|--yes|-q|--quiet)$/.test(word)
