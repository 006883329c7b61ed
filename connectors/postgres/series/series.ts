/** Series of counts and what was made of them, and the channels that they are of. Times are ms, `id`s as in the log. */
import type { Measure, Severity, Signal } from '../../../schemas/records.ts'
import type { ExportFilter, Page, Paging, Span } from '../database/questions.ts'

/** `firstAt`: begin of the first bin; `lastAt`: begin of the last one with events (or the first). */
export type Series = {
  id: string
  run: string
  measure: Measure
  channel: string
  firstAt: number
  lastAt: number
  total: number
}

/** `lastAt` as of `Series`, the latest of the channel's. */
export type Channel = { id: string; series: number; lastAt: number; openAlerts: number }

/**
 * A channel by its series of casts, or of posts where it has none. `at` and `decision` are of the last base bin that was
 * judged; its figures are null when it is older than `recent` reaches.
 */
export type ChannelState = {
  channel: string
  /** Those that are open, worst first. */
  alerts: { id: string; type: string; severity: Severity; openedAt: number }[]
  series: string
  score: number | null
  p: number | null
  count: number | null
  expected: number | null
  at: number | null
  decision: Signal['decision'] | null
  /** Events in each of the last 72 base bins; null: a gap, or not known. */
  recent: (number | null)[]
  /** Of the same bins. */
  scores: (number | null)[]
}

/** `now`: end of the last base bin that is stored of the run, which is that of `recent` too. */
export type Overview = { now: number | null; items: ChannelState[] }

export type CountRow = {
  series: string
  start: number
  seconds: number
  count: number
  late: number
  covered: number
}

export type SignalRow = { series: string } & Omit<Signal, 'type' | 'measure'>

export interface SeriesQueries {
  /** Most events first. */
  list(
    run: string,
    filter: { channel?: string | undefined; measure?: Measure | undefined },
    paging: Paging,
  ): Promise<Page<Series>>
  /** Whether there is such a series of the run. */
  has(run: string, series: string): Promise<boolean>
  /** Base bins summed to `resolution`; `covered` is the covered share of the time; idle times are filled with zeros. */
  counts(
    run: string,
    series: string,
    resolution: number,
    span: Span,
    paging: Paging,
  ): Promise<Page<Omit<CountRow, 'series'>>>
  signals(
    run: string,
    series: string,
    resolution: number,
    span: Span,
    paging: Paging,
  ): Promise<Page<Omit<SignalRow, 'series'>>>
  /** By name. */
  channels(run: string, paging: Paging): Promise<Page<Channel>>
  /** Whether a run has a channel of this name; and if not, up to 2 of which it is the end of the path. */
  findChannel(run: string, name: string): Promise<{ known: boolean; alike: string[] }>
  /**
   * Channels by risk: those with an open early warning, onset, collapse, none; then by falling score, rising p-value
   * (what isn't known comes last), falling number of events in `recent`, and name.
   */
  overview(run: string, limit: number): Promise<Overview>
  /** End of the last base bin that is stored of a run; null: none is. */
  now(run: string): Promise<number | null>
  /**
   * Every row that matches, bytewise: counts by series and start, signals by series, resolution and start. Some pages in
   * memory at a time. Without `fill` a bin is listed when one of its base bins was written or had late arrivals. Time
   * before a series' first bin, after the run's last one, or that no record speaks of isn't covered.
   */
  exportCounts(filter: ExportFilter & { resolution: number; fill: boolean }): AsyncIterable<CountRow>
  exportSignals(filter: ExportFilter): AsyncIterable<SignalRow>
}
