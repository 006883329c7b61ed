/**
 * A Farcaster MCP server whose answers a test chooses, without a hub: `node mcp.fixture.ts text|structured` speaks over
 * stdio, `respond` answers one message. What a call does is said by the end of the channel URL it names.
 */
import { createInterface } from 'node:readline'
import { HUB_META, TOOLS } from '../../tools.ts'

export type Kind = 'text' | 'structured' | 'bare'
type Message = {
  id?: number
  method: string
  params?: { name?: string; arguments?: Record<string, unknown> }
}

export const START = Date.UTC(2024, 3, 30, 19, 1, 29)

/** Cast `i`, of a channel that has one each minute; 0 is the newest. */
export const fixtureCast = (i: number, channel: string) => ({
  hash: `0x${i.toString(16).padStart(40, '0')}`,
  fid: i + 1,
  author: null,
  time: new Date(START - i * 60_000).toISOString(),
  text: `cast ${i}`,
  channel,
  parent: null,
  urls: [],
  quotes: [],
  mentions: [],
})

const BLOCK = (i: number, words = `cast ${i}`) =>
  `\n${i + 1}. User ${i + 1}\n   FID: ${i + 1}\n   Time: ${new Date(START - i * 60_000).toISOString().slice(0, 19).replace('T', ' ')}\n   Text: ${words}\n   Cast ID: 0x${i.toString(16).padStart(40, '0')}\n   `

const range = (n: number) => Array.from({ length: n }, (_, i) => i)

export function respond({ id, method, params }: Message, kind: Kind): object | null {
  const answer = (result: object) => ({ jsonrpc: '2.0', id, result })
  if (method === 'initialize')
    return answer({
      protocolVersion: '2025-06-18',
      capabilities: { tools: {} },
      serverInfo: { name: 'fixture', version: '1' },
    })
  if (method === 'ping') return answer({})
  if (method === 'tools/list') return answer({ tools: tools(kind) })
  if (method !== 'tools/call') return null
  const { channel, limit, since, authors } = params?.arguments ?? {}
  // Their names are nothing to the source, and cost a hub much.
  if (kind === 'structured' && channel !== undefined && authors !== false)
    throw new Error('authors are asked for')
  return answer(call(kind, params?.name ?? '', String(channel ?? ''), Number(limit), since as string))
}

function tools(kind: Kind): object[] {
  if (kind === 'bare') return [{ name: 'get-weather', inputSchema: { type: 'object' } }]
  if (kind === 'structured')
    return Object.entries(TOOLS).map(([name, { input, output }]) => ({
      name,
      inputSchema: input,
      outputSchema: output,
    }))
  const properties = { channel: { type: 'string' }, limit: { type: 'number' } }
  const own = ['get-channel-casts', 'get-cast-reactions', 'list-channels']
  return [...own, ...(kind === 'text' ? range(2000).map((i) => `other-${i}`) : [])].map((name) => ({
    name,
    inputSchema: { type: 'object', properties },
  }))
}

function call(kind: Kind, name: string, channel: string, limit: number, since: string): object {
  const text = (words: string) => ({ content: [{ type: 'text', text: words }] })
  if (channel.endsWith('/refused'))
    return {
      ...text('Error fetching channel casts: Hubble API error: 429 - slow\u0007 down\nsecond line'),
      isError: true,
      _meta: { [HUB_META]: { error: 'refused', status: 429, retryAfter: 7, seconds: 2 } },
    }
  if (channel.endsWith('/unreachable'))
    return {
      ...text('Failed to fetch from Hubble: gone'),
      isError: true,
      _meta: { [HUB_META]: { error: 'unreachable' } },
    }
  if (channel.endsWith('/huge')) return text('x'.repeat(300_000))
  if (kind === 'text') {
    if (name === 'get-cast-reactions') return text('# Reactions')
    if (channel.endsWith('/env')) {
      const { TZ, LC_ALL, FCM_HUB } = process.env
      return text(`# Recent Casts in Channel "${channel}"\n\n${BLOCK(0, [TZ, LC_ALL, FCM_HUB].join(' '))}`)
    }
    if (channel.endsWith('/names'))
      return text(`# Recent Casts in Channel "${channel}"\n\n${BLOCK(0, Object.keys(process.env).join(' '))}`)
    // `/<n>`: so many casts; `/<n>/<cap>`: the server never returns more than `cap`.
    const [total = 0, cap = 1000] = channel.split('/').slice(3).map(Number)
    const blocks = range(Math.min(total, cap, limit)).map((i) => BLOCK(i))
    return text(
      blocks.length
        ? `# Recent Casts in Channel "${channel}"\n\n${blocks.join('\n---\n')}`
        : `No casts found for channel "${channel}"`,
    )
  }
  const cast = fixtureCast(0, channel)
  const page = (casts: object[], rest: object = {}) => ({
    ...text('casts'),
    structuredContent: { casts, cursor: null, invalid: 0, ...rest },
    _meta: { [HUB_META]: { seconds: 3 } },
  })
  switch (channel.split('/').at(-1)) {
    case 'misplaced':
      return page([
        cast,
        { ...cast, channel: 'https://elsewhere' },
        { ...cast, channel: null, parent: { fid: 1, hash: cast.hash } },
        { ...cast, channel: null },
        { ...cast, time: '2024-02-30T00:00:00Z' },
      ])
    case 'pid':
      return page([{ ...cast, text: String(process.pid) }])
    case 'crowded':
      return page(range(10_001).map((i) => fixtureCast(i, channel)))
    case 'odd-blocks':
      return { ...page([cast]), content: [{ type: 'hologram', rays: 3 }, null, 7, { type: 'text' }] }
    case 'no-blocks':
      return { ...page([cast]), content: 'casts' }
    case 'unclean':
      return page([{ ...cast, text: 'a\0b\ud800c' }])
    case 'wrong-shape':
      return page([{ ...cast, hash: '0x12' }])
    case 'bare':
      return text('casts')
    case 'unordered':
      return page([fixtureCast(2, channel), cast], { cursor: 'on' })
    case 'endless':
      return page([], { cursor: 'on' })
    case 'paged':
      return page([cast, fixtureCast(1, channel)], { cursor: `since ${since}`, invalid: 1 })
    default:
      return page([cast, fixtureCast(1, channel)])
  }
}

if (process.argv[1] === import.meta.filename) {
  const kind = process.argv[2] as Kind
  if (process.argv[3]) process.stderr.write(`${process.argv[3]}\n`)
  if (process.argv[4]) process.exit(Number(process.argv[4]))
  if (kind === 'text') process.stdout.write('a line that is no message\n')
  for await (const line of createInterface({ input: process.stdin })) {
    const message = JSON.parse(line) as Message
    const channel = String(message.params?.arguments?.channel)
    if (channel.endsWith('/die')) {
      process.stderr.write('oh\u001b[31m no\n')
      process.exit(1)
    }
    // Noise of a talkative server: nothing may wait until somebody has read it.
    if (channel.endsWith('/noisy')) process.stderr.write('x'.repeat(1 << 20))
    if (channel.endsWith('/deaf')) for (;;);
    if (channel.endsWith('/slow')) continue
    const answer = respond(message, kind)
    const write = () => answer && process.stdout.write(`${JSON.stringify(answer)}\n`)
    // Others come before, and the end of the process too.
    if (channel.endsWith('/late')) setTimeout(write, 300).unref()
    else write()
  }
}
