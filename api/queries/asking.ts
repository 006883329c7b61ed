/** What questions have in common: spans of time, and pages that are of one filter. */
import { createHash } from 'node:crypto'
import { FcmError } from '../../common/errors.ts'
import { iso } from '../../common/time.ts'
import type { Page, Paging, Span } from '../../connectors/postgres/database/questions.ts'
import { parseTime } from '../contracts/schema.ts'

type Times = { from?: string | undefined; to?: string | undefined }

/** ms of validated times. @throws FcmError OPTION_INVALID when the end lies before the start */
export function spanOf(times: Times): Span {
  const from = times.from === undefined ? undefined : parseTime(times.from)!
  const to = times.to === undefined ? undefined : parseTime(times.to)!
  if (from !== undefined && to !== undefined && from > to) {
    throw new FcmError('OPTION_INVALID', {
      option: 'from',
      why: `${iso(from)} lies after \`to\`, ${iso(to)}`,
      hint: 'Give the earlier time as `from`',
    })
  }
  return { from, to }
}

export type Paged = { limit: number; cursor?: string }

/**
 * One page of `list` as `filter` narrows it. The cursor carries a mark of both: one of another list or another filter would
 * go on somewhere, and leave out or repeat what nobody could tell.
 * @throws FcmError OPTION_INVALID for a cursor that is not of this question
 */
export async function pageOf<Row, Item, More extends object>(
  list: string,
  filter: readonly unknown[],
  { limit, cursor }: Paged,
  ask: (paging: Paging) => Promise<Page<Row> & More>,
  present: (row: Row) => Item,
): Promise<Omit<More, 'items' | 'next'> & Page<Item>> {
  const mark = createHash('sha256')
    .update(JSON.stringify([list, filter]))
    .digest('base64url')
    .slice(0, 11)
  if (cursor !== undefined && !cursor.startsWith(`${mark}.`)) {
    throw new FcmError('OPTION_INVALID', {
      option: 'cursor',
      why: 'it is of another list or of other filters',
      hint: 'Ask as for the page before, with its `next`; or leave it out for the first page',
    })
  }
  const page = await ask({ limit, cursor: cursor?.slice(mark.length + 1) })
  return {
    ...page,
    items: page.items.map(present),
    next: page.next === null ? null : `${mark}.${page.next}`,
  }
}

/** A list that always fits on one page. */
export const allOf = <Row, Item>(rows: Row[], present: (row: Row) => Item): Page<Item> => ({
  items: rows.map(present),
  next: null,
})
