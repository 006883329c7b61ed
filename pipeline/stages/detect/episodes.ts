/**
 * Episodes: at most one open per channel and kind; measures and resolutions are evidence of it, not alerts of their
 * own. Time is event time: an episode's clock is the greatest bin end decided so far.
 */
import { createHash } from 'node:crypto'
import { HOUR } from '../../../common/time.ts'
import { PARTS } from '../../../schemas/measures.js'
import {
  type AlertEvent,
  type Decision,
  type Evidence,
  MEASURES,
  type Measure,
  pOf,
  SEVERITIES,
  type Severity,
  scoreOf,
  seriesName,
} from '../../../schemas/records.ts'
import type { Detector, Facts, Verdict } from './detectors/detector.ts'
import type { Settings } from './settings.ts'

/** One series and resolution's support of an episode. */
type Support = {
  measure: Measure
  resolution: number
  /** Its strongest bin so far: the greatest score, or the least p. */
  evidence: Evidence
  /** Successive bins without support; Infinity once it can't give any more. */
  calm: number
  /** End of the last bin in which it could be judged. */
  judged: number
  exitBins: number
  /** Of the verdict with which it began. */
  baseline: number | null
}

export type Episode = {
  fingerprint: string
  sequence: number
  openedAt: number
  measure: Measure
  resolution: number
  start: number
  /** Never falls during an episode. */
  severity: Severity
  /** By measure and resolution, in order of appearance. */
  supports: Map<string, Support>
}

/** All that is remembered of one kind in one channel. */
export type Watch = {
  clock: number
  /** No episode opens on a bin that ends before it. */
  quietUntil: number
  episode: Episode | null
  /** Successive bins that met the rule, by measure and resolution. */
  hits: Map<string, number>
}

export const createWatch = (): Watch => ({ clock: 0, quietUntil: 0, episode: null, hits: new Map() })

export type Scope = { run: string; channel: string; detector: Detector; settings: Settings; hash: string }
export type BinOf = { measure: Measure; resolution: number; start: number; end: number }
export const seriesKey = ({ measure, resolution }: { measure: Measure; resolution: number }): string =>
  `${measure}/${resolution}`

/** What a series has given to the open episode; undefined: nothing. */
export const supportOf = (watch: Watch, bin: { measure: Measure; resolution: number }): Support | undefined =>
  watch.episode?.supports.get(seriesKey(bin))

type Send = (event: AlertEvent) => void

/** Applies a bin that was covered. Returns what it led to. */
export function decide(
  watch: Watch,
  scope: Scope,
  bin: BinOf,
  verdict: Verdict,
  facts: () => Facts,
  send: Send,
): Decision {
  if (!verdict.known) {
    freeze(watch, scope, bin, send)
    return 'insufficient'
  }
  const key = seriesKey(bin)
  watch.clock = Math.max(watch.clock, bin.end)
  const hits = verdict.enter ? (watch.hits.get(key) ?? 0) + 1 : 0
  if (hits > 0) watch.hits.set(key, hits)
  else watch.hits.delete(key)
  const supports = hits >= verdict.enterBins
  const { episode } = watch
  const support = episode?.supports.get(key)
  if (!supports && !support) return 'quiet'
  const evidence = { ...facts(), reason: verdict.reason() } as Evidence

  if (!support) {
    if (!episode && bin.end < watch.quietUntil) return 'suppressed'
    const begun = episode ?? openEpisode(scope, bin, watch.clock)
    watch.episode = begun
    const { exitBins, baseline } = verdict
    const { measure, resolution } = bin
    addSupport(begun, scope, { measure, resolution, evidence, calm: 0, judged: bin.end, exitBins, baseline })
    send(eventOf(begun, scope, episode ? 'updated' : 'opened', watch.clock, said(bin, evidence)))
    return episode ? 'held' : 'opened'
  }
  support.judged = bin.end
  if (verdict.hold) {
    support.calm = 0
    if (isStronger(evidence, support.evidence)) {
      const before = episode!.severity
      addSupport(episode!, scope, { ...support, evidence })
      if (episode!.severity !== before) {
        send(eventOf(episode!, scope, 'updated', watch.clock, said(bin, evidence)))
      }
    }
    return 'held'
  }
  support.calm++
  const why = `back to usual for ${verdict.exitBins} bins in all evidence that can be judged; last: ${said(bin, evidence)}`
  resolveIfCalm(watch, scope, why, send)
  return 'quiet'
}

/**
 * A bin that can't be judged freezes what its series says; a series that can't be judged for too long says no more,
 * whatever others go on to say.
 */
export function freeze(watch: Watch, scope: Scope, bin: BinOf, send: Send): void {
  watch.clock = Math.max(watch.clock, bin.end)
  const key = seriesKey(bin)
  // Bins in a row have none between them that is unknown.
  watch.hits.delete(key)
  const support = watch.episode?.supports.get(key)
  const hours = scope.settings.coverageLostHours
  if (!support || bin.end - support.judged < hours * HOUR) return
  support.calm = Number.POSITIVE_INFINITY
  const why = `coverage-lost: ${bin.measure} could not be judged for ${hours} hours, and no other evidence is left`
  resolveIfCalm(watch, scope, why, send)
}

/** A series has nothing to say any more, for `why`, at one resolution or at all. */
export function withdraw(
  watch: Watch,
  scope: Scope,
  at: { measure: Measure; resolution: number | null; time: number },
  why: string,
  send: Send,
): void {
  watch.clock = Math.max(watch.clock, at.time)
  const { measure, resolution } = at
  const isOf = (key: string): boolean =>
    resolution === null ? key.startsWith(`${measure}/`) : key === seriesKey({ measure, resolution })
  for (const key of watch.hits.keys()) if (isOf(key)) watch.hits.delete(key)
  if (!watch.episode) return
  for (const [key, support] of watch.episode.supports) if (isOf(key)) support.calm = Number.POSITIVE_INFINITY
  resolveIfCalm(watch, scope, why, send)
}

/** Ends an episode whatever its evidence says. */
export function resolve(watch: Watch, scope: Scope, reason: string, send: Send): void {
  const { episode } = watch
  if (!episode) return
  send(eventOf(episode, scope, 'resolved', watch.clock, reason))
  watch.episode = null
  watch.hits.clear()
  watch.quietUntil = watch.clock + scope.settings.cooldownHours * HOUR
}

function resolveIfCalm(watch: Watch, scope: Scope, reason: string, send: Send): void {
  for (const support of watch.episode!.supports.values()) if (support.calm < support.exitBins) return
  resolve(watch, scope, reason, send)
}

function openEpisode({ run, channel, detector }: Scope, bin: BinOf, openedAt: number): Episode {
  const { measure, resolution, start } = bin
  const opening = [run, channel, detector.kind, seriesName(measure, channel), resolution, start]
  return {
    fingerprint: createHash('sha256').update(JSON.stringify(opening)).digest('hex').slice(0, 32),
    sequence: 0,
    openedAt,
    measure,
    resolution,
    start,
    severity: 'low',
    supports: new Map(),
  }
}

function isStronger(a: Evidence, b: Evidence): boolean {
  const [scoreA, scoreB] = [scoreOf(a), scoreOf(b)]
  return scoreA !== null || scoreB !== null ? (scoreA ?? 0) >= (scoreB ?? 0) : (pOf(a) ?? 1) <= (pOf(b) ?? 1)
}

function addSupport(e: Episode, { detector, settings }: Scope, support: Support): void {
  e.supports.set(seriesKey(support), support)
  const all = [...e.supports.values()]
  const own = detector.severity?.(
    all.map((s) => s.evidence),
    settings,
  )
  const now = own ?? severityOf(all)
  if (SEVERITIES.indexOf(now) > SEVERITIES.indexOf(e.severity)) e.severity = now
}

/**
 * By how much of the evidence agrees: medium from two series or resolutions on, high from two measures of different
 * events (posts, replies, reactions; casts are posts and replies, participants their authors) at two resolutions,
 * or from four in all.
 */
function severityOf(supports: Support[]): Severity {
  if (supports.length >= 4) return 'high'
  const own = new Set(PARTS.filter((part) => supports.some((s) => s.measure === part)))
  const resolutions = new Set(supports.map((s) => s.resolution))
  if (own.size >= 2 && resolutions.size >= 2) return 'high'
  return supports.length >= 2 ? 'medium' : 'low'
}

function eventOf(
  e: Episode,
  { detector, settings, hash }: Scope,
  event: AlertEvent['event'],
  time: number,
  reason: string,
): AlertEvent {
  e.sequence++
  return {
    type: 'AlertEvent',
    fingerprint: e.fingerprint,
    sequence: e.sequence,
    event,
    kind: detector.kind,
    severity: e.severity,
    time,
    openedAt: e.openedAt,
    subject: { type: 'series', measure: e.measure, resolution: e.resolution, start: e.start },
    reason,
    evidence: [...e.supports.values()]
      .sort((a, b) => a.resolution - b.resolution || order(a) - order(b))
      .map(({ evidence }) => ({ ...evidence })),
    preset: settings.preset,
    settings: hash,
  }
}

const order = ({ measure }: Support): number => MEASURES.indexOf(measure)
const LENGTHS: Record<number, string> = { 300: '5 min', 3600: '1 h', 21600: '6 h' }
const said = ({ measure, resolution }: BinOf, { reason }: Evidence): string =>
  `${measure} per ${LENGTHS[resolution]}: ${reason}`
