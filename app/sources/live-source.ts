/** What run `live` is watched through. */
import type { FcmError } from '../../common/errors.ts'
import type { Origin } from './origin.ts'

export type LiveSource = {
  origin: Origin
  /** Event time, ms: what happened before is history, and nothing new to anyone. */
  liveFrom: number
  /** Whether history comes first, as fast as it can. */
  hasHistory: boolean
  /** How fast live time goes, in words. */
  pace: string
  /** Publishes into run `live` until its end, if it has one, or the signal. @throws FcmError MCP_SERVER_UNUSABLE, HUB_FAILED */
  publish(watching: Watching): Promise<{ finished: boolean }>
}

/** How whoever runs a source goes along with it. */
export type Watching = {
  signal: AbortSignal
  onWaiting(error: FcmError): void
  /** Polling, which has waited for an answer or for the clock, goes on. */
  onGoingOn?: (() => void) | undefined
  /** History is published up to `time`, ms: a `share`, 0-1, of it. */
  onHistory(share: number, time: number): void
  /** What history there is is published; live time begins when this resolves. */
  beforeLive(): Promise<void>
}
