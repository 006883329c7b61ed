/** Archives behind a hub: every message as it stands in them, byte for byte. */
import { isUtf8 } from 'node:buffer'
import { FcmError } from '../../../common/errors.ts'
import { SECOND } from '../../../common/time.ts'
import { believedIn, hourOf, newHours } from '../archive/believed.ts'
import { readLines } from '../archive/lines.ts'
import { doubt } from '../archive/parse.ts'
import { type HubData, listChannels } from './data.ts'
import { byOrder, type Entry, parseEntry } from './entry.ts'

/**
 * All messages of hub archives (NDJSON, also with gzip), kept in memory for one hub. `skipped` lines are no message that
 * a hub has a route for. Channels are the parent URLs that occur; their followers are the posts of the whole archive.
 * @throws FcmError FILE_UNREADABLE; ARCHIVE_EMPTY where no line is a message
 */
export async function archiveData(files: string[]): Promise<{ data: HubData; skipped: number }> {
  const entries: Entry[] = []
  let skipped = 0
  for await (const { bytes, length } of readLines(files)) {
    const line = bytes.length === length && isUtf8(bytes) ? bytes.toString().trim() : null
    if (line === '') continue
    const entry = line === null ? null : parseLine(line)
    if (entry) entries.push(entry)
    else skipped++
  }
  entries.sort(byOrder)
  if (entries.length === 0) throw new FcmError('ARCHIVE_EMPTY', { files: files.join(', '), lines: skipped })
  let read = 0
  const data: HubData = {
    name: `archive ${files.join(' ')}, ${entries.length} messages`,
    seed: 0,
    live: endOf(entries),
    retention: Number.POSITIVE_INFINITY,
    channels: channelsOf(entries),
    *upTo(now) {
      while (read < entries.length && entries[read]!.time <= now) yield entries[read++]!
    },
  }
  return { data, skipped }
}

/** The last time that is believed; a wrong clock must not set the hub's. In order; at least one. */
function endOf(entries: Entry[]): number {
  const hours = newHours()
  for (const { time } of entries) hours[hourOf(time)]!++
  const [now, believed] = [Date.now(), believedIn(hours)]
  const last = entries.findLast(({ time }) => doubt(time, now, believed) === null)
  return (last ?? entries.at(-1)!).time
}

function parseLine(line: string): Entry | null {
  try {
    return parseEntry(line)
  } catch (error) {
    if (error instanceof FcmError || error instanceof SyntaxError) return null
    throw error
  }
}

/** An archive doesn't tell what its channels are called: a name is the last part of the URL. */
function channelsOf(entries: Entry[]) {
  type Found = { url: string; first: Entry; authors: Set<number>; posts: number }
  const found = new Map<string, Found>()
  for (const entry of entries) {
    if (entry.kind !== 'cast' || !entry.parent?.startsWith(URL_KEY)) continue
    const url = entry.parent.slice(URL_KEY.length)
    const channel = found.get(url) ?? { url, first: entry, authors: new Set(), posts: 0 }
    found.set(url, channel)
    channel.authors.add(entry.fid)
    channel.posts++
  }
  return listChannels(
    [...found.values()].map(({ url, first, authors, posts }) => ({
      name: url.split('/').findLast((part) => part !== '') ?? url,
      url,
      leadFid: first.fid,
      createdAt: first.time / SECOND,
      followerCount: posts,
      memberCount: authors.size,
    })),
  )
}

const URL_KEY = 'url '
