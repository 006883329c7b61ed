/**
 * Episodes: at most one open per channel and kind; measures and resolutions are evidence of it, not alerts of their
 * own. Time is event time: an episode's clock is the greatest bin end decided so far.
 */
import { createHash } from 'node:crypto'
import { HOUR } from '../../../common/time.ts'
import {
  type AlertEvent,
  type Decision,
  type EarlyWarningEvidence,
  type Evidence,
  MEASURES,
  type Measure,
  type PlainEvidence,
  SEVERITIES,
  type Severity,
  seriesName,
} from '../../../schemas/records.ts'
import type { Verdict } from './judge.ts'
import type { Settings } from './settings.ts'

/** What is warned of. */
export type DetectorName = Exclude<Evidence, PlainEvidence>['detector']
/** Of a bin, as it was decided on. */
export type Figures = Omit<EarlyWarningEvidence, 'detector'>

/** One series and resolution's part in an episode. */
type Voice = {
  /** Its strongest bin so far: the greatest score, or the least p. */
  evidence: Figures
  /** Successive bins without support; Infinity once it can't speak any more. */
  calm: number
  /** End of the last bin in which it could be judged. */
  judged: number
  exitBins: number
  /** What is usual for the series when it began to speak, events per base bin of a mean hour; NaN where not asked for. */
  level: number
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
  voices: Map<string, Voice>
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

export type Scope = { run: string; channel: string; kind: DetectorName; settings: Settings; hash: string }
export type Bin = { measure: Measure; resolution: number; start: number; end: number }
export const voiceKey = (measure: Measure, resolution: number): string => `${measure}/${resolution}`

type Send = (event: AlertEvent) => void

/** Applies a bin that was covered. Returns what it led to; `level` as in `Voice`. */
export function decide(
  watch: Watch,
  scope: Scope,
  bin: Bin,
  verdict: Verdict,
  facts: Omit<Figures, 'reason'>,
  send: Send,
  level = Number.NaN,
): Decision {
  if (!verdict.known) {
    freeze(watch, scope, bin, send)
    return 'insufficient'
  }
  const key = voiceKey(bin.measure, bin.resolution)
  watch.clock = Math.max(watch.clock, bin.end)
  const hits = verdict.enter ? (watch.hits.get(key) ?? 0) + 1 : 0
  if (hits > 0) watch.hits.set(key, hits)
  else watch.hits.delete(key)
  const speaks = hits >= verdict.enterBins
  const { episode } = watch
  const voice = episode?.voices.get(key)
  if (!speaks && !voice) return 'quiet'
  const evidence: Figures = { ...facts, reason: verdict.reason() }
  const { exitBins } = verdict

  if (!episode) {
    if (bin.end < watch.quietUntil) return 'suppressed'
    watch.episode = openEpisode(scope, bin, watch.clock)
    addVoice(watch.episode, scope, key, { evidence, calm: 0, judged: bin.end, exitBins, level })
    send(eventOf(watch.episode, scope, 'opened', watch.clock, said(evidence)))
    return 'opened'
  }

  if (!voice) {
    addVoice(episode, scope, key, { evidence, calm: 0, judged: bin.end, exitBins, level })
    send(eventOf(episode, scope, 'updated', watch.clock, said(evidence)))
    return 'held'
  }
  voice.judged = bin.end
  if (verdict.hold) {
    voice.calm = 0
    if (isStronger(evidence, voice.evidence)) {
      const before = episode.severity
      addVoice(episode, scope, key, { ...voice, evidence })
      if (episode.severity !== before) {
        send(eventOf(episode, scope, 'updated', watch.clock, said(evidence)))
      }
    }
    return 'held'
  }
  voice.calm++
  const why = `back to usual for ${exitBins} bins in all evidence that can be judged; last: ${said(evidence)}`
  resolveIfCalm(watch, scope, why, send)
  return 'quiet'
}

/**
 * A bin that can't be judged freezes what its series says; a series that can't be judged for too long says no more,
 * whatever others go on to say.
 */
export function freeze(watch: Watch, scope: Scope, bin: Bin, send: Send): void {
  watch.clock = Math.max(watch.clock, bin.end)
  const key = voiceKey(bin.measure, bin.resolution)
  // Bins in a row have none between them that is unknown.
  watch.hits.delete(key)
  const voice = watch.episode?.voices.get(key)
  const hours = scope.settings.coverageLostHours
  if (!voice || bin.end - voice.judged < hours * HOUR) return
  voice.calm = Number.POSITIVE_INFINITY
  const why = `coverage-lost: ${bin.measure} could not be judged for ${hours} hours, and no other evidence is left`
  resolveIfCalm(watch, scope, why, send)
}

/** A series has nothing to say any more, for `why`, at one resolution or at all. */
export function silence(
  watch: Watch,
  scope: Scope,
  at: { measure: Measure; resolution: number | null; time: number },
  why: string,
  send: Send,
): void {
  watch.clock = Math.max(watch.clock, at.time)
  const speaksOf = (key: string): boolean =>
    at.resolution === null ? key.startsWith(`${at.measure}/`) : key === voiceKey(at.measure, at.resolution)
  for (const key of watch.hits.keys()) if (speaksOf(key)) watch.hits.delete(key)
  if (!watch.episode) return
  for (const [key, voice] of watch.episode.voices) if (speaksOf(key)) voice.calm = Number.POSITIVE_INFINITY
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
  for (const voice of watch.episode!.voices.values()) if (voice.calm < voice.exitBins) return
  resolve(watch, scope, reason, send)
}

function openEpisode({ run, channel, kind }: Scope, bin: Bin, openedAt: number): Episode {
  const { measure, resolution, start } = bin
  const opening = [run, channel, kind, seriesName(measure, channel), resolution, start]
  return {
    fingerprint: createHash('sha256').update(JSON.stringify(opening)).digest('hex').slice(0, 32),
    sequence: 0,
    openedAt,
    measure,
    resolution,
    start,
    severity: 'low',
    voices: new Map(),
  }
}

const isStronger = (a: Figures, b: Figures): boolean =>
  a.score !== null || b.score !== null ? (a.score ?? 0) >= (b.score ?? 0) : (a.p ?? 1) <= (b.p ?? 1)

function addVoice(e: Episode, scope: Scope, key: string, voice: Voice): void {
  e.voices.set(key, voice)
  const evidence = [...e.voices.values()].map((v) => v.evidence)
  const now = scoreSeverity(evidence, scope.settings) ?? agreementSeverity(evidence)
  if (SEVERITIES.indexOf(now) > SEVERITIES.indexOf(e.severity)) e.severity = now
}

/** By the greatest score; null where nothing is scored. */
function scoreSeverity(evidence: Figures[], { calibrated }: Settings): Severity | null {
  const scores = evidence.flatMap((e) => e.score ?? [])
  if (scores.length === 0) return null
  const greatest = Math.max(...scores)
  return greatest >= calibrated.high ? 'high' : greatest >= calibrated.medium ? 'medium' : 'low'
}

/**
 * By how much of the evidence agrees: medium from two series or resolutions on, high from two measures of different
 * events (posts, replies, reactions; casts are posts and replies, participants their authors) at two resolutions,
 * or from four in all.
 */
function agreementSeverity(evidence: Figures[]): Severity {
  if (evidence.length >= 4) return 'high'
  const own = new Set(evidence.map((e) => e.measure).filter((m) => m !== 'casts' && m !== 'participants'))
  const resolutions = new Set(evidence.map((e) => e.resolution))
  if (own.size >= 2 && resolutions.size >= 2) return 'high'
  return evidence.length >= 2 ? 'medium' : 'low'
}

function eventOf(
  e: Episode,
  scope: Scope,
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
    kind: scope.kind,
    severity: e.severity,
    time,
    openedAt: e.openedAt,
    subject: { type: 'series', measure: e.measure, resolution: e.resolution, start: e.start },
    reason,
    evidence: [...e.voices.values()]
      .map((voice) => voice.evidence)
      .sort((a, b) => a.resolution - b.resolution || order(a) - order(b))
      .map((figures) => evidenceOf(scope.kind, figures)),
    preset: scope.settings.preset,
    settings: scope.hash,
  }
}

function evidenceOf(detector: DetectorName, figures: Figures): Evidence {
  const { variance, autocorrelation, score, ...common } = figures
  switch (detector) {
    case 'early-warning':
      return { detector, ...common, variance, autocorrelation, score }
    case 'onset':
      return { detector, ...common }
    case 'collapse':
      return { detector, ...common, variance, autocorrelation }
  }
}

const order = (e: Figures): number => MEASURES.indexOf(e.measure)
const LENGTHS: Record<number, string> = { 300: '5 min', 3600: '1 h', 21600: '6 h' }
const said = (e: Figures): string => `${e.measure} per ${LENGTHS[e.resolution]}: ${e.reason}`
