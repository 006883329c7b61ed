/** What a hub knows at a moment: messages merged in the order of their signed times, by the protocol's own rules. */
import { DAY, HOUR } from '../../../common/time.ts'
import { byOrder, castKey, type Entry, type Position } from './entry.ts'
import { createEvents, EVENT_RETENTION, type Events, shardOf } from './events.ts'

export type PageQuery = {
  size: number
  reverse: boolean
  /** Only behind this place, in the direction of reading. */
  after?: Position | undefined
  /** Only what was signed in [from, to], ms. */
  from?: number | undefined
  to?: number | undefined
  keep?: (entry: Entry) => boolean
}

export type HubStore = {
  /** Merges `entries`, in the order of (time, hash) and none of them later than `now`; `now` never goes back. */
  advance(entries: Iterable<Entry>, now: number): void
  page(list: string, query: PageQuery): Entry[]
  /** The cast, unless it was removed or is too old. */
  cast(fid: number, hash: string): Entry | null
  /** The message that shows whose name this is: a proof, or the user data of who has it as username. */
  name(name: string): Entry | null
  events: Events
  count(shard: number): { messages: number; fids: number }
}

/** Names of the lists that a page can be asked of. */
export const LISTS = {
  castsOf: (fid: number) => `fid ${fid}`,
  under: (parent: string) => `parent ${parent}`,
  mentioning: (fid: number) => `mention ${fid}`,
  reactionsTo: (target: string) => `reactions ${target}`,
  linksFrom: (fid: number) => `from ${fid}`,
  linksTo: (fid: number) => `to ${fid}`,
  dataOf: (fid: number) => `data ${fid}`,
}

/**
 * An empty store. What was signed longer than `retention` ms ago is out of it, as by the storage limits of an account;
 * profiles and links stay. What it answers depends on `now` alone, not on the steps in which it was reached.
 */
export function createStore(retention: number): HubStore {
  const lists = new Map<string, Entry[]>()
  const slots = new Map<string, Entry>()
  const names = new Map<string, Entry>()
  const fids = [new Set<number>(), new Set<number>()]
  const events = createEvents()
  let now = Number.NEGATIVE_INFINITY
  let freedAt = Number.NEGATIVE_INFINITY

  const oldest = () => now - retention

  function merge(entry: Entry): void {
    const slot = slotOf(entry)
    const holder = slots.get(slot)
    if (holder && !beats(entry, holder)) return
    if (holder) takeOut(holder)
    slots.set(slot, entry)
    for (const key of listsOf(entry)) {
      const list = lists.get(key)
      if (list) list.push(entry)
      else lists.set(key, [entry])
    }
    const name = nameOf(entry)
    if (name !== null) names.set(name, entry)
    fids[shardOf(entry.fid) - 1]!.add(entry.fid)
    // Whether the replaced one is kept here is chance when it is older than what a hub remembers.
    const deleted = holder && holder.time >= entry.time - retention ? [holder] : []
    events.add(entry, deleted, now)
  }

  function takeOut(entry: Entry): void {
    for (const key of listsOf(entry)) {
      const list = lists.get(key)
      const at = list ? search(list, (other) => byOrder(other, entry) >= 0) : 0
      if (list?.[at] === entry) list.splice(at, 1)
    }
    const name = nameOf(entry)
    if (name !== null && names.get(name) === entry) names.delete(name)
  }

  /** Frees what nobody can ask for any more. */
  function free(): void {
    const cutoff = oldest()
    const touched = new Set<string>()
    for (const shard of [1, 2]) {
      for (const entry of lists.get(stored(shard)) ?? []) {
        if (entry.time >= cutoff) break
        for (const key of listsOf(entry)) touched.add(key)
        // A removal may come before what it removes, however long.
        if (!isRemoval(entry) && slots.get(slotOf(entry)) === entry) slots.delete(slotOf(entry))
      }
    }
    for (const key of touched) {
      const list = lists.get(key)!
      const from = search(list, ({ time }) => time >= cutoff)
      if (from === list.length) lists.delete(key)
      else lists.set(key, list.slice(from))
    }
    freedAt = now
  }

  const first = (list: Entry[]) =>
    list[0] && isStored(list[0]) ? search(list, ({ time }) => time >= oldest()) : 0

  return {
    events,

    advance(entries, to) {
      now = Math.max(now, to)
      for (const entry of entries) {
        // Events tell of messages for `EVENT_RETENTION`, and of what those replaced.
        if (!isStored(entry) || isRemoval(entry) || entry.time >= oldest() - EVENT_RETENTION) merge(entry)
      }
      if (now - freedAt >= HOUR && retention < Number.POSITIVE_INFINITY) free()
    },

    page(key, { size, reverse, after, from, to, keep }) {
      const list = lists.get(key) ?? []
      let begin = first(list)
      let end = list.length
      const beginAt = (holds: (entry: Entry) => boolean) => {
        begin = Math.max(begin, search(list, holds))
      }
      const endAt = (holds: (entry: Entry) => boolean) => {
        end = Math.min(end, search(list, holds))
      }
      if (from !== undefined) beginAt(({ time }) => time >= from)
      if (to !== undefined) endAt(({ time }) => time > to)
      if (after && reverse) endAt((entry) => byOrder(entry, after) >= 0)
      if (after && !reverse) beginAt((entry) => byOrder(entry, after) > 0)
      const found: Entry[] = []
      for (let i = 0; i < end - begin && found.length < size; i++) {
        const entry = list[reverse ? end - 1 - i : begin + i]!
        if (!keep || keep(entry)) found.push(entry)
      }
      return found
    },

    cast(fid, hash) {
      const entry = slots.get(`cast ${castKey(fid, hash)}`)
      return entry?.kind === 'cast' && entry.time >= oldest() ? entry : null
    },

    name: (name) => names.get(name) ?? null,

    count(shard) {
      const list = lists.get(stored(shard)) ?? []
      const messages = list.length - first(list) + (lists.get(standing(shard))?.length ?? 0)
      return { messages, fids: fids[shard - 1]!.size }
    },
  }
}

/** How long the simulated network is remembered. */
export const HUB_RETENTION = 8 * DAY

const stored = (shard: number) => `stored ${shard}`
const standing = (shard: number) => `standing ${shard}`

/** Whether it is dropped with age. */
const isStored = ({ kind }: Entry): boolean => kind !== 'link' && kind !== 'user-data' && kind !== 'proof'

function listsOf(entry: Entry): string[] {
  const shard = shardOf(entry.fid)
  const all = isStored(entry) ? stored(shard) : standing(shard)
  switch (entry.kind) {
    case 'cast': {
      const keys = [all, LISTS.castsOf(entry.fid), ...entry.mentions.map(LISTS.mentioning)]
      return entry.parent === null ? keys : [...keys, LISTS.under(entry.parent)]
    }
    case 'cast-removed':
      return [all, LISTS.castsOf(entry.fid)]
    case 'reaction':
      return [all, LISTS.reactionsTo(entry.target)]
    case 'link':
      return [all, LISTS.linksFrom(entry.fid), LISTS.linksTo(entry.target)]
    case 'user-data':
      return [all, LISTS.dataOf(entry.fid)]
    default:
      return [all]
  }
}

/** Messages about one thing share a slot, which one of them holds. */
function slotOf(entry: Entry): string {
  const { fid } = entry
  switch (entry.kind) {
    case 'cast':
      return `cast ${castKey(fid, entry.hash)}`
    case 'cast-removed':
      return `cast ${castKey(fid, entry.target)}`
    case 'reaction':
    case 'reaction-removed':
      return `reaction ${fid} ${entry.type} ${entry.target}`
    case 'link':
    case 'link-removed':
      return `link ${fid} ${entry.type} ${entry.target}`
    case 'user-data':
      return `data ${fid} ${entry.type}`
    case 'proof':
      return `proof ${entry.name}`
  }
}

/**
 * Which of two in one slot holds it (Farcaster specification, section 2.1): of casts a removal, whatever the times; of
 * others the later, then a removal; then the higher hash.
 */
function beats(entry: Entry, holder: Entry): boolean {
  const removal = Number(isRemoval(entry)) - Number(isRemoval(holder))
  const isCast = entry.kind === 'cast' || entry.kind === 'cast-removed'
  if (isCast && removal !== 0) return removal > 0
  return (entry.time - holder.time || removal || byOrder(entry, holder)) > 0
}

const isRemoval = ({ kind }: Entry): boolean => kind.endsWith('-removed')

const nameOf = (entry: Entry): string | null =>
  entry.kind === 'proof'
    ? entry.name
    : entry.kind === 'user-data' && entry.type === 'USER_DATA_TYPE_USERNAME' && entry.value !== ''
      ? entry.value
      : null

/** The first index at which `holds`, in a list where it holds from some index on. */
function search<T>(list: readonly T[], holds: (item: T) => boolean): number {
  let low = 0
  let high = list.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (holds(list[middle]!)) high = middle
    else low = middle + 1
  }
  return low
}
