/** What the query API answers, as the dashboard names it. Types only: no browser is sent this file. */
import type * as alerts from '../contracts/alerts.ts'

export type { Alert, AlertDetail, AlertList, Evidence } from '../contracts/alerts.ts'
export type AlertType = alerts.Alert['type']
export type Severity = alerts.Alert['severity']
export type {
  Cast,
  Channel,
  /** A channel at its last bins of 5 minutes. */
  ChannelState as Risk,
  Gap,
  Overview,
} from '../contracts/channels.ts'
export type { About, DeadLetter, Hop, Lag, Latency, Run } from '../contracts/ops.ts'
export type { CountBin as Count, Series, Signal } from '../contracts/series.ts'
export type { Followed, Source } from '../contracts/source.ts'
