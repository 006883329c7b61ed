/**
 * Cursors: where in which list to go on. They are opaque to callers and come back from strangers, so nothing in them is
 * believed but where to go on within the list that they were made for.
 */
import { createHash } from 'node:crypto'

/** Arguments that can't be served; the message tells the caller what to change. */
export class ArgumentError extends Error {
  override name = 'ArgumentError'
}

const digest = (list: string) => createHash('sha256').update(list).digest('base64url').slice(0, 11)

/** `list` names what is paged through; `at` is plain JSON. */
export const writeCursor = (list: string, at: unknown[]): string =>
  Buffer.from(JSON.stringify([digest(list), ...at])).toString('base64url')

/** @throws ArgumentError for one that `writeCursor` didn't make for this list, or whose content `fits` doesn't take */
export function readCursor<T extends unknown[]>(
  list: string,
  cursor: string,
  fits: (at: unknown[]) => at is T,
): T {
  try {
    const [made, ...at] = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as unknown[]
    if (made === digest(list) && fits(at)) return at
  } catch {
    // Damaged: said below.
  }
  throw new ArgumentError(
    'Wrong arguments: cursor must be the `cursor` of a result of this tool, asked with the same arguments. Leave it away to begin anew.',
  )
}
