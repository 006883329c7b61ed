/** Alerts, as people and programs ask for them. Times are ms, `id`s as in the log. */
import type { AlertEvent, EarlyWarningEvidence, Severity } from '../../../schemas/records.ts'
import type { ExportFilter, Page, Paging, Span } from '../database/questions.ts'

export type AlertFilter = Span & {
  type?: string | undefined
  severity?: Severity | undefined
  state?: 'open' | 'resolved' | undefined
  channel?: string | undefined
  /**
   * The cap of the deployment: of the alerts of one type that opened on one UTC day of event time, so many are listed,
   * by severity, then score, then p-value. Absent or 0: all of them.
   */
  perDay?: number | undefined
  /** Also those beyond the cap. */
  all?: boolean | undefined
}

export type Alert = {
  id: string
  run: string
  channel: string
  type: string
  severity: Severity
  state: 'open' | 'resolved'
  openedAt: number
  updatedAt: number
  resolvedAt: number | null
  series: string
  resolution: number
  start: number
  sequence: number
  /** Why it was warned: of the event that opened it, as are series, resolution and start. */
  reason: string
  /** Why it ended; null while it is open. */
  outcome: string | null
  preset: string
  settings: string
  /** The greatest of its evidence; null: none of it was scored. */
  score: number | null
  /**
   * The expected share of false ones among the alerts of its type and day with an opening p-value no greater than its
   * own, were each null true on its own (Benjamini and Hochberg 1995); null: it has no p-value.
   */
  q: number | null
  /** Whether it is within the cap. */
  listed: boolean
}

/** One that a page leaves out is beyond the cap. */
export type AlertPage = Page<Alert> & { beyondCap: number }

/** An event of an alert: `place` tells where it stands in the order in which those of all runs were committed. */
export type EventRef = { place: number; alert: string }

/** What happened to an alert, and what it was then; `q` and `listed` are of now. */
export type AlertChange = EventRef & { event: AlertEvent['event']; now: Alert }

export type OpenAlerts = { run: string; type: string; severity: Severity; count: number }

/** Evidence about a bin; null: its detector says nothing of it. */
export type BinFigures = Omit<EarlyWarningEvidence, 'detector'>
export type AlertDetail = Alert & {
  evidence: (Omit<BinFigures, 'measure'> & { series: string })[]
  events: { sequence: number; event: string; severity: Severity; time: number; reason: string }[]
}

export type AlertRow = {
  id: string
  sequence: number
  event: string
  type: string
  channel: string
  severity: Severity
  time: number
  openedAt: number
  series: string
  resolution: number
  start: number
  reason: string
  evidence: BinFigures[]
  preset: string
  settings: string
}

export interface Alerts {
  /** Newest `openedAt` first; the span is of `openedAt`; `severity` is that of the last event. */
  list(run: string, filter: AlertFilter, paging: Paging): Promise<AlertPage>
  /** `perDay` as in `AlertFilter`: it tells whether this one is listed. */
  get(id: string, perDay?: number): Promise<AlertDetail | null>
  /** What happened in a run behind a place, in the order of the commits: whoever has read up to there has missed nothing. */
  changes(run: string, after: number, limit: number, perDay?: number): Promise<AlertChange[]>
  /** The last event of each of these runs; a run without any is absent. */
  lastEvents(runs: string[]): Promise<Map<string, EventRef>>
  /** Whether there is such an event of the run. */
  hasEvent(run: string, event: EventRef): Promise<boolean>
  /** Of all runs. */
  open(): Promise<OpenAlerts[]>
  /**
   * Every row that matches, bytewise by id and sequence; the span is of `openedAt`, so that an episode is in or out whole.
   * Some pages in memory at a time.
   */
  export(filter: ExportFilter): AsyncIterable<AlertRow>
}
