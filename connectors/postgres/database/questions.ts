/** Words that all capabilities' questions share. Times are ms. */

/** One page: pass `next` back as `cursor` for the page after it; null at the end. */
export type Page<T> = { items: T[]; next: string | null }

export type Paging = { limit: number; cursor?: string | undefined }

/** Half-open, ms. */
export type Span = { from?: number | undefined; to?: number | undefined }

export type ExportFilter = Span & {
  run: string
  series?: string | undefined
  channel?: string | undefined
  resolution?: number | undefined
}
