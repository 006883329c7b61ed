/** The port to the store: what the pipeline writes, and what people and programs ask. Times are ms, `id`s as in the log. */
import type { FcmError } from '../../common/errors.ts'
import type {
  AlertEvent,
  AlertKind,
  FcmRecord,
  Measure,
  Severity,
  Signal,
  Evidence as WireEvidence,
} from '../../schemas/records.ts'

/** One page: pass `next` back as `cursor` for the page after it; null at the end. */
export type Page<T> = { items: T[]; next: string | null }
export type Paging = { limit: number; cursor?: string | undefined }
/** Half-open, ms. */
export type Span = { from?: number | undefined; to?: number | undefined }

export type AlertFilter = Span & {
  type?: AlertKind | undefined
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
  type: AlertKind
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
export type OpenAlerts = { run: string; type: AlertKind; severity: Severity; count: number }
export type AlertDetail = Alert & {
  evidence: (Omit<WireEvidence, 'measure'> & { series: string })[]
  events: { sequence: number; event: string; severity: Severity; time: number; reason: string }[]
}
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
  alerts: { id: string; type: AlertKind; severity: Severity; openedAt: number }[]
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
export type AlertRow = {
  id: string
  sequence: number
  event: string
  type: AlertKind
  channel: string
  severity: Severity
  time: number
  openedAt: number
  series: string
  resolution: number
  start: number
  reason: string
  evidence: WireEvidence[]
  preset: string
  settings: string
}
export type CastRow = {
  hash: Buffer
  fid: number
  time: number
  text: string | null
  removed: boolean
  parentHash: Buffer | null
  urls: string[]
}
export type Gap = { channel: string; measure: Measure; from: number; to: number; reason: string | null }
/** What a source has done and seen. */
export type SourceState = {
  /** `gapRatioDay`: the share, 0-1, of followed channels' time in the 24 hours before `decidedTo`; null: of no time. */
  measures: { measure: Measure; decidedTo: number; gapRatioDay: number | null }[]
  /** The last one; null: it has not polled. */
  round: {
    at: number
    requests: number
    failed: number
    error: string | null
    complete: Measure[]
    next: number | null
  } | null
  /** Of all rounds. */
  requests: number
  failed: number
  /** Begin of the last whole hour of its clock, or of the first one; null: it has not polled. */
  hour: number | null
  /** Channels that it follows, those of them whose last poll failed, and those that are behind in any measure. */
  followed: number
  failing: number
  behind: number
}
/**
 * `...To`: where its last covered span ends; null: none has been. `error`: of its last poll; null: all went well.
 * `behind`: the watched measures of which nothing is decided, neither covered nor a gap, up to `BEHIND` before the last
 * round; what was never decided is so since the first poll.
 */
export type Followed = {
  channel: string
  postsTo: number | null
  repliesTo: number | null
  reactionsTo: number | null
  polledAt: number | null
  error: string | null
  behind: Measure[]
  /** In the hour that was asked for. */
  requests: number
  failed: number
}
/** Requests in the hour from `hour` on; channel `*`: of whole rounds. */
export type RequestRow = { channel: string; hour: number; requests: number; failed: number }
/** Where in a batch the records stand that the store can't hold, and why. */
export type Written = { rejected: { index: number; why: string }[] }
/** `channels`: without `*`. `firstAt`: begin of the first bin, `lastAt`: end of the last one, of any series. */
export type Run = {
  run: string
  createdAt: number
  channels: number
  firstAt: number | null
  lastAt: number | null
  alerts: number
  /** Arrivals after their bins had closed, each once, and those of them from before all that was remembered. */
  late: number
  lateBefore: number
}
export type ExportFilter = Span & {
  run: string
  series?: string | undefined
  channel?: string | undefined
  resolution?: number | undefined
}

export interface Store {
  /**
   * Applies records of one partition of a run's topics, in order, and only those not applied yet (identities: DESIGN rule
   * 7); those that it can't hold are left out and told. When it fails, a beginning of them may have been applied.
   * @throws FcmError DATABASE_UNREACHABLE when waiting may help.
   */
  write(run: string, records: { key: string; record: FcmRecord }[]): Promise<Written>

  /** Newest `openedAt` first; the span is of `openedAt`; `severity` is that of the last event. */
  alerts(run: string, filter: AlertFilter, paging: Paging): Promise<AlertPage>
  /** `perDay` as in `AlertFilter`: it tells whether this one is listed. */
  alert(id: string, perDay?: number): Promise<AlertDetail | null>
  /** What happened in a run behind a place, in the order of the commits: whoever has read up to there has missed nothing. */
  alertChanges(run: string, after: number, limit: number, perDay?: number): Promise<AlertChange[]>
  /** The last event of each of these runs; a run without any is absent. */
  lastEvents(runs: string[]): Promise<Map<string, EventRef>>
  /** Whether there is such an event of the run. */
  hasEvent(run: string, event: EventRef): Promise<boolean>
  /** Of all runs. */
  openAlerts(): Promise<OpenAlerts[]>
  /**
   * Channels by risk: those with an open early warning, onset, collapse, none; then by falling score, rising p-value
   * (what isn't known comes last), falling number of events in `recent`, and name.
   */
  overview(run: string, limit: number): Promise<Overview>
  /** End of the last base bin that is stored of a run; null: none is. */
  now(run: string): Promise<number | null>
  /** Most events first. */
  series(
    run: string,
    filter: { channel?: string | undefined; measure?: Measure | undefined },
    paging: Paging,
  ): Promise<Page<Series>>
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
  channels(run: string): Promise<Channel[]>
  /** Newest first, those that were removed too, without text and URLs. */
  casts(run: string, channel: string, span: Span, paging: Paging): Promise<Page<CastRow>>
  /**
   * Gaps that touch the span, earliest first; those of the whole source (`*`) count for every channel. Pieces that join
   * and have one reason are one gap.
   */
  gaps(run: string, filter: Span & { channel?: string | undefined }, paging: Paging): Promise<Page<Gap>>
  source(run: string): Promise<SourceState>
  /** Channels that the source follows by name: those that fail first, then those behind, then by requests in the hour. */
  followed(run: string, hour: number | null, limit: number): Promise<Followed[]>
  /** Earliest first, for the last 14 days; the span is of `hour`. */
  requests(
    run: string,
    filter: Span & { channel?: string | undefined },
    paging: Paging,
  ): Promise<Page<RequestRow>>
  runs(): Promise<Run[]>
  /** Whether a run has a channel of this name; and if not, up to 2 of which it is the end of the path. */
  findChannel(run: string, name: string): Promise<{ known: boolean; alike: string[] }>
  /** Whether there is such a run, or such a series of it. */
  has(run: string, series?: string): Promise<boolean>

  /**
   * Every row that matches, bytewise: counts by series and start, signals by series, resolution and start, alerts by id
   * and sequence (their span is of `openedAt`, so that an episode is in or out whole). Some pages in memory at a time.
   * Without `fill` a bin is listed when one of its base bins was written or had late arrivals. Time before a series'
   * first bin, after the run's last one, or that no record speaks of isn't covered.
   */
  exportCounts(filter: ExportFilter & { resolution: number; fill: boolean }): AsyncIterable<CountRow>
  exportSignals(filter: ExportFilter): AsyncIterable<SignalRow>
  exportAlerts(filter: ExportFilter): AsyncIterable<AlertRow>

  deleteRun(run: string): Promise<void>
  /**
   * Blanks texts of casts that were stored more than `textDays` ago, and deletes requests of channels from more than 14
   * days before their run's last round; returns how many of both.
   */
  expire(textDays: number): Promise<number>
  /**
   * Runs `work` while no other process on the same database runs anything under this name; throws `taken` if one does. The
   * signal is aborted when that can't be said any more. What `work` comes to stands.
   * @throws FcmError DATABASE_UNREACHABLE, which may pass, before `work` has begun
   */
  alone<T>(name: string, taken: FcmError, work: (signal: AbortSignal) => Promise<T>): Promise<T>
  /** Resolves when the database answers. */
  ping(): Promise<void>
  close(): Promise<void>
}
