/** What channels are called in the database, and the key by which they are found: names may be longer than an index allows. */
import { createHash } from 'node:crypto'
import { clean } from '../../../common/text.ts'

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/** By which a channel is found: SHA-256 of its name. */
export const keyOf = (name: string): Buffer => digest(name)

/**
 * The name of the channel of a record's key: the key itself. One with a zero character, which PostgreSQL can't hold,
 * is cleaned and marked with the hash of the key, lest two channels of strangers become one.
 */
export function nameOf(key: string): string {
  const text = key.toWellFormed()
  return text.includes('\0') ? `${clean(text)}#${digest(text).toString('hex', 0, 8)}` : text
}

/** Of the channel that is asked for; null: of any. */
export const channelKey = (name: string | undefined): Buffer | null =>
  name === undefined ? null : keyOf(name)
