/** What one page proves, and how to get the next. */
import { SECOND } from '../../../../common/time.ts'
import type { PageKey } from '../port.ts'

/** The arguments of a tool that tell which page is asked for, as far as it takes them. */
export type Abilities = { since: boolean; cursor: boolean; maxLimit: number }
export type PageRequest = { limit: number; cursor: string | null; proven: number }

/**
 * `times` of the entries that could be read, ms, newest first; `entries` counts the others as well. `cursor`: where the
 * server goes on; null: it says that there is no more; undefined: it says nothing.
 */
export type PageContent = { times: number[]; entries: number; cursor: string | null | undefined }

/**
 * The first page is small, since there is seldom more: reading far back costs the hub. Behind it, a cursor asks for all
 * there is; a server without cursors is asked from the newest again, in steps that grow fourfold.
 */
const FIRST_LIMIT = { cursor: 100, widening: 25 }
const GROWTH = 4

/**
 * What to ask for. A cursor stands behind the time down to which the pages before it have proven all: an empty page
 * with a cursor is legal, and proves no less than the one before.
 * @throws Error for a key that no page of ours gave
 */
export function pageRequest(page: PageKey | undefined, { cursor, maxLimit }: Abilities): PageRequest {
  const limit = Math.min(maxLimit, cursor ? FIRST_LIMIT.cursor : FIRST_LIMIT.widening)
  if (page === undefined) return { limit, cursor: null, proven: Number.POSITIVE_INFINITY }
  if ('limit' in page) return { limit: page.limit, cursor: null, proven: Number.POSITIVE_INFINITY }
  const colon = page.cursor.indexOf(':')
  if (colon < 0) throw new Error('this is no cursor of ours')
  return {
    limit: maxLimit,
    cursor: page.cursor.slice(colon + 1),
    proven: Number(page.cursor.slice(0, colon)),
  }
}

export type Proof = { from: number; next: PageKey | null }

/**
 * All from `from` on is on this page and those before it: all from `since` on, if the page goes back beyond `since` or
 * nothing more is there; else from one second (the grain of signed times) after the oldest entry.
 *
 * A server without cursors says nothing about what lies beyond its page, and may cap `limit` without a word. A page
 * shorter than asked for is taken for the whole only where its length can't be such a cap: from 10 on, multiples of 10
 * and of 25 are in doubt, and prove nothing beyond their oldest entry.
 * @returns null where the answer contradicts itself: not in the order of time, or a cursor that leads nowhere
 */
export function proof(
  since: number,
  asked: PageRequest,
  able: Abilities,
  content: PageContent,
): Proof | null {
  const { times, entries, cursor } = content
  if (cursor === null) return { from: since, next: null }
  if (times.some((time, i) => i > 0 && time > times[i - 1]!)) return null
  const oldest = times.at(-1)
  if (oldest !== undefined && oldest < since) return { from: since, next: null }
  const from = Math.min(asked.proven, oldest === undefined ? Number.POSITIVE_INFINITY : oldest + SECOND)
  if (cursor !== undefined && able.cursor) {
    if (cursor === asked.cursor) return null
    return { from, next: { cursor: `${from}:${cursor}` } }
  }
  const full = cursor !== undefined || entries >= asked.limit
  if (full)
    return {
      from,
      next: asked.limit < able.maxLimit ? { limit: Math.min(able.maxLimit, asked.limit * GROWTH) } : null,
    }
  const mayBeCapped = entries >= 10 && (entries % 10 === 0 || entries % 25 === 0)
  return mayBeCapped ? { from, next: null } : { from: since, next: null }
}
