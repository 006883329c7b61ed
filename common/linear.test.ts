/**
 * Every function that strips, splits or matches text from outside takes time that grows no faster than the text. A new
 * one gets a line in `READERS`.
 */
import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import { MUST } from '../api/contracts/asking.ts'
import { parseTime } from '../api/contracts/schema.ts'
import { parseTarget } from '../app/sources/polling.ts'
import { beginning } from '../bin/commands/dead-letters.ts'
import { table } from '../bin/table.ts'
import { parseHubMessage } from '../connectors/farcaster/hub-message.ts'
import { parseEntry } from '../connectors/farcaster/hub-simulator/entry.ts'
import { canonical, parseFault } from '../connectors/farcaster/hub-simulator/faults.ts'
import { readQuery } from '../connectors/farcaster/hub-simulator/query.ts'
import { readCursor } from '../connectors/farcaster/mcp-server/cursor.ts'
import { castsText, channelsText } from '../connectors/farcaster/mcp-server/result-text.ts'
import { followedOf, parseFollow } from '../connectors/farcaster/source/follow.ts'
import { reason, Unanswered } from '../connectors/farcaster/source/mcp/failures.ts'
import { eventReader } from '../connectors/farcaster/source/mcp/fetch.ts'
import {
  channelFrame,
  readCastText,
  readReactionText,
} from '../connectors/farcaster/source/mcp/text-results.ts'
import { nameOf } from '../connectors/farcaster/source/mcp/transport.ts'
import { channelOfUrl } from '../connectors/farcaster/stamp.ts'
import { keyOf, nameOf as storedName } from '../connectors/postgres/database/channel-name.ts'
import { decodeCursor } from '../connectors/postgres/database/cursor.ts'
import { parseDeadLetter } from '../pipeline/log/dead-letter.ts'
import type { Rec } from '../pipeline/log/port.ts'
import { trailOf } from '../pipeline/runtime/trail.ts'
import { parseSeries } from '../schemas/records.ts'
import { FcmError } from './errors.ts'
import { foreign, hostsOf } from './foreign.ts'
import { isLoopbackUrl } from './loopback.ts'
import { clean, oneLine, withoutEndSlashes, withoutSequences } from './text.ts'
import { utc } from './time.ts'

// What the browser is given has types of its own.
const page = await import(new URL('../api/dashboard/format.js', import.meta.url).href)

const HASH = `0x${'ab'.repeat(20)}`
const target = { fid: 1, hash: Buffer.alloc(20) }
const rec = (headers: Record<string, string>): Rec =>
  ({ topic: 't', partition: 0, offset: 0, time: 0, key: '', value: null, headers }) as Rec
const cast = { fid: 1, hash: target.hash, time: 0, urls: [], quotes: [], mentions: [], parent: null }
const inCast = (name: string, text: string): string =>
  `# Recent Casts in Channel "x"\n\n\n1. ${name}\n   FID: 1\n   Time: 2024-04-30 19:01:29\n   Text: ${text}\n   Cast ID: ${HASH}\n   `
const readX = (text: string) => readCastText(text, channelFrame('x'), { url: 'x' }, 10)
const message = (body: object) =>
  JSON.stringify({
    data: { type: 'MESSAGE_TYPE_CAST_ADD', fid: 1, timestamp: 1, castAddBody: body },
    hash: HASH,
  })
const base64 = (text: string): string => Buffer.from(text).toString('base64url')

const ASKED = { method: 'GET', isPublic: false }
const HOSTS = hostsOf('0.0.0.0', [], { hasPages: true })

const READERS: Record<string, (text: string) => unknown> = {
  clean,
  oneLine,
  'oneLine, all of it': (text) => oneLine(text, text.length),
  withoutSequences,
  withoutEndSlashes,
  utc,
  'a message of an error': (text) => new FcmError('ROLE_FAILED', { why: text }),
  'a message of a hub': (text) =>
    parseHubMessage(JSON.parse(message({ text, parentUrl: text, embeds: [{ url: text }] }))),
  'a hash of a hub': (text) =>
    parseHubMessage(JSON.parse(message({ text: '', parentCastId: { fid: 1, hash: text } }))),
  'a line of an archive': (text) => parseEntry(message({ text })),
  'a line of an archive, damaged': (text) => parseEntry(text),
  channelOfUrl,
  'text of a cast': (text) => readX(inCast('a', text)),
  'a name above a cast': (text) => readX(inCast(text, 'b')),
  'text of a page': (text) => readX(`# Recent Casts in Channel "x"\n\n${text}`),
  'text of reactions': (text) =>
    readReactionText(
      `# Reactions for Cast\n**Cast:** ${HASH}\n**Author FID:** 1\n\n**Likes:** 1\nLiked by FIDs: ${text}\n**Recasts:** 1`,
      target,
    ),
  'text as text': (text) => castsText('x', [{ ...cast, type: 'cast', text }], new Map([[1, text]])),
  'channels as text': (text) =>
    channelsText([{ id: text, url: text, name: text, description: text, followers: 0, members: 0 }], text),
  'why a server failed': (text) => reason(new Unanswered('it ended', text), true),
  'events of a server': (text) => eventReader(String)(text),
  'events of a server, piece by piece': (text) => {
    const feed = eventReader(String)
    for (let at = 0; at < text.length; at += 16) feed(text.slice(at, at + 16))
  },
  'the name of a server': (text) => nameOf({ command: text, args: [text, `-${text}`] }),
  'the URL of a server': (text) => nameOf({ url: `https://${text}` }),
  '--mcp': parseTarget,
  '--follow': (text) => parseFollow(text, 0),
  'ids against a pattern': (text) =>
    followedOf(
      { urls: [], patterns: ['*a*b*a*b*'], minFollowers: 0 },
      [{ id: text, url: 'x', followers: 1 }],
      [],
    ),
  '--fault': parseFault,
  'a query to the hub': (text) => readQuery(new URLSearchParams(text), true).page(),
  'a page token to the hub': (text) =>
    readQuery(new URLSearchParams({ pageToken: text, reverse: text }), true).page(),
  'a request to the hub': (text) => canonical('/v1', new URLSearchParams(text)),
  'Host and Origin': (text) => [
    foreign({ host: text }, ASKED, HOSTS),
    foreign({ host: 'localhost', origin: `http://${text}` }, ASKED, HOSTS),
  ],
  isLoopbackUrl,
  'a cursor of a tool': (text) => readCursor('x', text, (at): at is [string] => at.length === 1),
  'a cursor of a tool, inside': (text) =>
    readCursor('x', base64(text), (at): at is [string] => at.length === 1),
  'a cursor of a list': (text) => decodeCursor('x', text, ['hex']),
  'a cursor of a list, inside': (text) => decodeCursor('x', base64(JSON.stringify(['x', text])), ['hex']),
  parseTime,
  'patterns of the API': (text) =>
    Object.keys(MUST).map((pattern) => pattern.startsWith('^') && new RegExp(pattern, 'u').test(text)),
  parseSeries,
  'a name in the database': (text) => [keyOf(text), storedName(text)],
  'the source of a dead letter': (text) =>
    parseDeadLetter(rec({ 'fcm-reason': text, 'fcm-source': `${text}:1` })),
  'a dead letter, shown': (text) => beginning(Buffer.from(text)),
  'a trail': (text) => trailOf(rec({ trail: text }), 'count'),
  'a row of a table': (text) => table(['a'], [[text]], ''),
  'text on the page': (text) => page.plain(text, 300),
  'a channel on the page': (text) => [page.channelLabel(text), page.channelLabel(`https://${text}`)],
}

/** What a pattern may stumble over: long runs of one thing, with and without an end that doesn't fit. */
const UNITS = [
  ...' \t\n\r\0\u0007\u001b\u009b\u009d\u0085\u00a0\u2028\u200b\u200d\ufe0f\u202e\ud800',
  ...'/\\:;,.-_=&?#%@!*+~^$|"\'`<>()[]{}0a',
  ...[
    '\u001b[',
    '\u001b]',
    '\u001bP',
    '\u001b\\',
    '\u001b(',
    ';?',
    '\r\n',
    '\n\n',
    '//',
    '/../',
    '%C3%BC',
    ' "',
    "' ",
  ],
  ...[
    'a.',
    'a-',
    '1:',
    ':1',
    '/1',
    ', ',
    'a=',
    '👩\u200d',
    'e\u0301',
    '\u0316\u0300',
    '\n   ',
    '\n---\n',
    '\n1. ',
  ],
  ...[
    '\n   FID: 1',
    '\n   Text: ',
    '\n   Cast ID: ',
    '\n   Embeds: ',
    '\n   Reply to: 1/',
    '\n   Cast ID: \n   \n---\n',
  ],
  ...[
    '\n1. a\n   FID: 1\n   Time: 1\n   Text: ',
    '\n---\n\n1. \n   FID: 1\n   Time: 1\n   Text: ',
    '0x',
    '00:',
    '1@2 ',
  ],
]
const AROUND = [
  ['', ''],
  ['', 'x'],
  ['\u001b[', ''],
  ['\u001b]', '\n   Cast ID: '],
  ['"', '\u001b'],
] as const

const N = 2_000
const GROWTH = 8
/** Of linear time 8 or somewhat more, of quadratic time 64. */
const ALLOWED = 24
/** ms at the greater length. Whatever takes less is not looked at: a quadratic one takes tens of it and more. */
const NEGLIGIBLE = 2
const TRIES = 5

type Read = (text: string) => unknown

/** ms of the processor: what else the machine does takes nothing of that. */
function cost(read: Read, text: string): number {
  const start = process.cpuUsage()
  try {
    read(text)
  } catch {
    // To refuse is as good an answer as any.
  }
  const { user, system } = process.cpuUsage(start)
  return (user + system) / 1000
}

const least = (tries: number, measure: () => number): number =>
  Math.min(...Array.from({ length: tries }, measure))

/** The growth of cost where the text becomes 8 times as long; 1 where the cost is negligible. */
function growth(read: Read, make: (length: number) => string, from = N): number {
  const long = make(GROWTH * from)
  if (cost(read, long) < NEGLIGIBLE || cost(read, long) < NEGLIGIBLE) return 1
  const short = make(from)
  return least(TRIES, () => least(TRIES, () => cost(read, long)) / least(TRIES, () => cost(read, short)))
}

const hostile = (unit: string, length: number, [begin, end]: readonly [string, string]): string =>
  begin + unit.repeat(Math.ceil(length / unit.length)) + end

/** The texts by which the cost grows faster than they do. */
const stumbles = (read: Read): string[] =>
  UNITS.flatMap((unit) =>
    AROUND.filter((around) => growth(read, (length) => hostile(unit, length, around)) > ALLOWED).map(
      ([begin, end]) => JSON.stringify([begin, unit, end]),
    ),
  )

test.each(Object.entries(READERS))('%s', (_, read) => {
  expect(stumbles(read)).toEqual([])
})

test('what is quadratic is noticed', () => {
  const csi = (length: number) => hostile(';?', length, ['\u001b[', ''])
  expect(growth(stripVTControlCharacters, csi, N / 4)).toBeGreaterThan(ALLOWED)
  const slashes = (length: number) => hostile('/', length, ['', 'x'])
  expect(growth((text) => text.replace(/\/+$/, ''), slashes, N / 4)).toBeGreaterThan(ALLOWED)
})
