/** What list routes have in common: spans, pages. */
import { FcmError } from '../../common/errors.ts'
import { iso } from '../../common/time.ts'
import type { Page, Paging, Span } from '../../connectors/postgres/database/questions.ts'
import { parseTime } from '../schemas.ts'

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

export const pagingOf = ({ limit, cursor }: { limit: number; cursor?: string }): Paging => ({ limit, cursor })

export const pageOf = <Row, Item>(page: Page<Row>, present: (row: Row) => Item): Page<Item> => ({
  items: page.items.map(present),
  next: page.next,
})

/** A list that always fits on one page. */
export const allOf = <Row, Item>(rows: Row[], present: (row: Row) => Item): Page<Item> =>
  pageOf({ items: rows, next: null }, present)
