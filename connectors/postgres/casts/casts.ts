/** Casts and their text. Times are ms. */
import { keyOf } from '../database/channel-name.ts'
import { decodeCursor, pageOf } from '../database/cursor.ts'
import type { Query } from '../database/database.ts'
import type { Page, Paging, Span } from '../database/questions.ts'

export type CastRow = {
  hash: Buffer
  fid: number
  time: number
  text: string | null
  removed: boolean
  parentHash: Buffer | null
  urls: string[]
}

export interface Casts {
  /** Newest first, those that were removed too, without text and URLs. */
  list(run: string, channel: string, span: Span, paging: Paging): Promise<Page<CastRow>>
}

export const createCasts = (query: Query): Casts => ({
  async list(run, channel, span, { limit, cursor }) {
    const after = decodeCursor('casts', cursor, ['number', 'hex'])
    const { rows } = await query(
      `SELECT hash, fid, time, text, removed, parent_hash, urls FROM casts
       WHERE channel = (SELECT c.id FROM runs r JOIN channels c ON c.run = r.id WHERE r.name = $1 AND c.key = $2)
         AND ($3::bigint IS NULL OR time >= $3) AND ($4::bigint IS NULL OR time < $4)
         AND ($5::bigint IS NULL OR (time, hash) < ($5, decode($6, 'hex')))
       ORDER BY time DESC, hash DESC LIMIT $7`,
      [
        run,
        keyOf(channel),
        span.from ?? null,
        span.to ?? null,
        after?.[0] ?? null,
        after?.[1] ?? null,
        limit + 1,
      ],
    )
    return pageOf(
      rows,
      limit,
      'casts',
      (row) => [row.time as number, (row.hash as Buffer).toString('hex')],
      (row): CastRow => ({
        hash: row.hash as Buffer,
        fid: row.fid as number,
        time: row.time as number,
        text: row.text as string | null,
        removed: row.removed as boolean,
        parentHash: row.parent_hash as Buffer | null,
        urls: row.urls as string[],
      }),
    )
  },
})
