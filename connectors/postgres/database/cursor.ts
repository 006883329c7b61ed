/** Where a page ended, as an opaque text. A cursor that was tampered with is refused; it can't do more than move. */
import { FcmError } from '../../../common/errors.ts'

export type Key = (number | string)[]
/** An id of a row, a count or time (ms), a text, bytes. */
type Parts = { id: number; number: number; string: string; hex: string }

export const encodeCursor = (list: string, key: Key): string =>
  Buffer.from(JSON.stringify([list, ...key])).toString('base64url')

/** The key of the last item of the page before; null: the first page. @throws FcmError OPTION_INVALID */
export function decodeCursor<const T extends (keyof Parts)[]>(
  list: string,
  cursor: string | null | undefined,
  shape: T,
): { [I in keyof T]: Parts[T[I]] } | null {
  if (cursor === undefined || cursor === null) return null
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
  } catch {
    throw refused()
  }
  const fits =
    Array.isArray(value) &&
    value.length === shape.length + 1 &&
    value[0] === list &&
    shape.every((type, i) => is[type](value[i + 1]))
  if (!fits) throw refused()
  return (value as unknown[]).slice(1) as { [I in keyof T]: Parts[T[I]] }
}

const is = {
  id: (part: unknown) => Number.isInteger(part) && (part as number) >= 0 && (part as number) < 2 ** 31,
  number: (part: unknown) => Number.isSafeInteger(part) && (part as number) >= 0,
  string: (part: unknown) => typeof part === 'string' && !part.includes('\0'),
  hex: (part: unknown) => typeof part === 'string' && /^([0-9a-f]{2})*$/.test(part),
}

const refused = () =>
  new FcmError('OPTION_INVALID', {
    option: 'cursor',
    why: 'this list did not give it out',
    hint: 'Pass the `next` of the page before as it is, or leave it out for the first page',
  })

/** A page out of `limit + 1` rows at most: the one too many tells that there is a next page. */
export function pageOf<R, T>(
  rows: R[],
  limit: number,
  list: string,
  key: (row: R) => Key,
  item: (row: R) => T,
): { items: T[]; next: string | null } {
  const shown = rows.slice(0, limit)
  return {
    items: shown.map(item),
    next: rows.length > limit ? encodeCursor(list, key(shown.at(-1)!)) : null,
  }
}
