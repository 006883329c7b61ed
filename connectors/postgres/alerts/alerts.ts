/** Alerts, as people and programs ask for them. Times are ms, `id`s as in the log. */
import type { AlertEvent, DeskAction, Evidence, Severity, Subject } from '../../../schemas/records.ts'
import type { ExportFilter, Page, Paging, Span } from '../database/questions.ts'
import type { Place } from './place.ts'

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
  subject: Subject
  /** Of a subject that is a series; null: it is something else. */
  series: string | null
  resolution: number | null
  start: number | null
  sequence: number
  /** Why it was warned: of the event that opened it, as is the subject. */
  reason: string
  /** Why it ended; null while it is open. */
  outcome: string | null
  preset: string
  settings: string
  /** The greatest of its evidence; null: none of it was scored. */
  score: number | null
  /** Whether it is within the cap. */
  listed: boolean
}

/** One that a page leaves out is beyond the cap. */
export type AlertPage = Page<Alert> & { beyondCap: number }

/** What a person did, as in the log. */
export type Action = Omit<DeskAction, 'type'>

/**
 * What happened, in the order of the commits, and what the alert was then; `listed` is of now. `now` is null where an action
 * came before any event of its alert. `at`: when it was stored.
 */
export type AlertChange = { place: Place; alert: string; at: number } & (
  | { kind: 'event'; event: AlertEvent['event']; now: Alert }
  | { kind: 'action'; action: Action; now: Alert | null }
)

export type OpenAlerts = { run: string; type: string; severity: Severity; count: number }

/** `actions`: what people did, earliest first. */
export type AlertDetail = Alert & {
  evidence: Evidence[]
  events: { sequence: number; event: string; severity: Severity; time: number; reason: string }[]
  actions: Action[]
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
  subject: Subject
  series: string | null
  resolution: number | null
  start: number | null
  reason: string
  evidence: Evidence[]
  preset: string
  settings: string
}

export interface Alerts {
  /** Newest `openedAt` first; the span is of `openedAt`; `severity` is that of the last event. */
  list(run: string, filter: AlertFilter, paging: Paging): Promise<AlertPage>
  /** `perDay` as in `AlertFilter`: it tells whether this one is listed. */
  get(id: string, perDay?: number): Promise<AlertDetail | null>
  /**
   * What happened in a run behind a place: whoever has read up to there has missed nothing.
   * @throws FcmError PLACE_UNKNOWN: the store has not given it out, or has forgotten it (it was restored); PLACE_EXPIRED:
   * what is behind it was deleted by age
   */
  changes(run: string, after: Place, limit: number, perDay?: number): Promise<AlertChange[]>
  /** The last place of each of these runs; a run without any is absent. */
  lastPlaces(runs: string[]): Promise<Map<string, Place>>
  /** @throws FcmError as `changes` */
  checkPlace(run: string, place: Place): Promise<void>
  /** Deletes what happened up to a place, for good; returns how many changes that were. */
  forget(run: string, upTo: Place): Promise<number>
  /** Of all runs. */
  open(): Promise<OpenAlerts[]>
  /**
   * Every row that matches, bytewise by id and sequence; the span is of `openedAt`, so that an episode is in or out whole.
   * Some pages in memory at a time.
   */
  export(filter: ExportFilter): AsyncIterable<AlertRow>
}
