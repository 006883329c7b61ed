/**
 * The port of a detector: all that one kind of alert is. Pure functions of what was observed and the settings; stage
 * `detect` owns series, episodes, scores and the order of things. `detector.contract.ts` holds every one of them to it.
 */
import type { Resolution } from '../../../../common/time.ts'
import type { PValues } from '../../../../models/early-warning/nulls.ts'
import type { Reading } from '../../../../models/early-warning/tracker.ts'
import type { Evidence, Measure, Severity } from '../../../../schemas/records.ts'
import type { Scale, Series } from '../series.ts'
import type { Settings } from '../settings.ts'

/**
 * `level`: it judges closed bins of series large enough to have one, and has nothing to say of others; `score`: that of the
 * CNN-LSTM too; `milestones`: it judges bins while they are open.
 */
export type Need = 'level' | 'score' | 'milestones'

/** A bin that was covered, as a detector judges it. */
export type Bin = {
  measure: Measure
  resolution: Resolution
  start: number
  /** Of the bin; of an open one, the time of what filled it so far. */
  end: number
  isOpen: boolean
  /** What the window and the level say of it; null where the series has none. */
  reading: Reading | null
  /** Of the reading. */
  p: PValues | null
  /** Whether it can be scored, and what came of it: null where it can't, and where nothing depends on it. */
  isScorable: boolean
  score: number | null
  /** The weights that score it. */
  model: string
  /** What the detector's own `open` or `closed` has found. */
  found: unknown
}

export type Verdict = {
  /** Whether the rule could be applied. Where it could not, nothing below means yes or no. */
  known: boolean
  /** Whether the bin meets the rule, and in how many successive bins that opens. */
  enter: boolean
  enterBins: number
  /** Whether it still meets the looser rule that keeps an episode open; without it for `exitBins`, it ends. */
  hold: boolean
  exitBins: number
  /** What later bins of the series are held against, for as long as it supports an episode that this bin begins to support. */
  baseline: number | null
  /** Why, in a few words: for the many bins that lead to nothing. */
  brief(): string
  /** Why, with all numbers and thresholds. */
  reason(): string
}

type WithoutReason<E> = E extends unknown ? Omit<E, 'reason'> : never
/** What was decided on; the reason is the verdict's. */
export type Facts = WithoutReason<Evidence>

export interface Detector<Own extends object = object> {
  /** Of its alerts: lower-case words with hyphens, for ever. */
  kind: string
  needs: readonly Need[]
  /** What the p of its evidence is the chance of; null: it has none. */
  p: string | null
  /** Its own, as they are unless somebody says otherwise. No two detectors have one of the same name. */
  settings: Own
  /** Whether it looks at a channel at all; default: at each. */
  watches?(channel: string): boolean
  /**
   * Of an open bin that holds `count` so far; with need `milestones`. What it finds is judged at once; null: nothing.
   * It may keep plain data in `scale.kept[kind]`, as may `closed`.
   */
  open?(
    bin: { series: Series; scale: Scale; start: number; count: number },
    settings: Settings & Own,
  ): unknown
  /** Of a covered bin that has closed, `shape` its profile; without need `level`, only what it finds is judged. */
  closed?(
    bin: { series: Series; scale: Scale; start: number; count: number; shape: number },
    settings: Settings & Own,
  ): unknown
  /** With need `score`: whether what it says of the bin depends on the score. `supports`: the series supports an episode. */
  dependsOnScore?(bin: Bin, supports: boolean, settings: Settings & Own): boolean
  /** `baseline`: of the verdict with which the series began to support the episode; null: it does not. */
  judge(bin: Bin, baseline: number | null, settings: Settings & Own): Verdict
  facts(bin: Bin, settings: Settings & Own): Facts
  /** Default, and where null: by how much of the evidence agrees. */
  severity?(evidence: readonly Evidence[], settings: Settings & Own): Severity | null
  /** Why an episode that opened at `openedAt` is over with this bin, whatever the bin says; null: it is not. */
  over?(bin: Bin, openedAt: number, settings: Settings & Own): string | null
}

/** Three significant digits, as people read them. */
export const number = (x: number | null): string =>
  x === null ? 'unknown' : String(Number(x.toPrecision(3)))
export const chance = (p: number | null): string =>
  p === null ? 'unknown' : String(Number(p.toPrecision(2)))

/** Of a bin whose series has a level. */
export const counted = (r: Reading): string => `saw ${r.count}, expected ${number(r.expected)}`
