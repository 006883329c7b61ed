/**
 * Decides what `apply` queued, detector by detector. Alerts first: what needs no score, then what a score may open or end;
 * then all is scored, and the signals say what became of each bin. Each key's alerts, and its signals, come in the order of
 * the input, however it is batched: what waits for a score holds up its own key only.
 */
import type { AlertEvent } from '../../../schemas/records.ts'
import type { Emit } from '../../runtime/stage.ts'
import type { Bin, Detector } from './detectors/detector.ts'
import {
  createWatch,
  decide,
  freeze,
  resolve,
  type Scope,
  seriesKey,
  supportOf,
  type Watch,
  withdraw,
} from './episodes.ts'
import { binOf, type Item } from './item.ts'
import type { Settings } from './settings.ts'
import { type Outcome, signalOf } from './signal.ts'

/** What decides, apart from the input. */
export type Rules = {
  run: string
  detectors: readonly Detector[]
  settings: Settings
  model: string
  hash: string
}

/** What is remembered of a channel, by kind. */
export type Watches = Record<string, Watch>

/** Rows of the CNN-LSTM; the probability of each. */
type Score = (rows: readonly Float32Array[]) => Promise<Float32Array>

/** An item on its way through `settle`. */
type Work = { item: Item; bin: Bin | null; outcomes: Outcome[] }

export async function settle(
  queue: readonly Item[],
  all: Map<string, Watches>,
  rules: Rules,
  score: Score,
  emit: Emit<'detect'>,
): Promise<void> {
  const work = queue.map((item): Work => ({ item, bin: binOf(item, rules.model), outcomes: [] }))
  const decideNow = (w: Work) => decideItem(all, w, rules, (event) => emit('alerts', w.item.key, event))

  const waiting = new Set<string>()
  const later: Work[] = []
  for (const w of work) {
    if (waiting.has(w.item.key) || dependsOnScore(all, w, rules, false)) {
      waiting.add(w.item.key)
      later.push(w)
    } else decideNow(w)
  }

  // A series may come to support an episode with the first of its bins that depends on its score.
  const opening = new Set<string>()
  const needed = later.filter((w) => {
    const series = w.bin && `${w.item.key} ${seriesKey(w.bin)}`
    const depends = dependsOnScore(all, w, rules, series !== null && opening.has(series))
    if (depends) opening.add(series!)
    return depends
  })
  await scoreAll(needed, score)
  for (const w of later) decideNow(w)

  await scoreAll(work, score)
  for (const w of work) {
    const signal = signalOf(w.item, w.bin, w.outcomes, rules)
    if (signal) emit('signals', w.item.key, signal)
  }
}

/** Scores the bins that can be and have not been. */
async function scoreAll(work: readonly Work[], score: Score): Promise<void> {
  const rows: Float32Array[] = []
  const bins: Bin[] = []
  for (const { item, bin } of work) {
    if (item.kind !== 'bin' || !item.row || !bin || bin.score !== null) continue
    rows.push(item.row)
    bins.push(bin)
  }
  if (rows.length === 0) return
  const scores = await score(rows)
  for (const [i, bin] of bins.entries()) bin.score = scores[i]!
}

/** Whether a decision depends on the score; `mayOpen`: its series may support an episode by then. */
function dependsOnScore(
  all: Map<string, Watches>,
  { item, bin }: Work,
  rules: Rules,
  mayOpen: boolean,
): boolean {
  if (!bin?.isScorable) return false
  return judging(item, bin, rules).some((detector) => {
    const watch = all.get(item.key)?.[detector.kind]
    const supports = mayOpen || (watch !== undefined && supportOf(watch, bin) !== undefined)
    return detector.dependsOnScore?.(bin, supports, rules.settings)
  })
}

const watching = (channel: string, { detectors }: Rules): Detector[] =>
  detectors.filter((detector) => detector.watches?.(channel) ?? true)
const needsLevel = ({ needs }: Detector): boolean => needs.includes('level')

/** The detectors that have something to judge in a bin. */
const judging = (item: Item, { reading, found }: Bin, rules: Rules): Detector[] =>
  watching(item.key, rules).filter((detector) =>
    needsLevel(detector) ? reading !== null : (found as Found)[detector.kind] != null,
  )
type Found = Record<string, unknown>

const FORGOTTEN = 'coverage-lost: nothing was said of the channel any more'

type Send = (event: AlertEvent) => void

function decideItem(all: Map<string, Watches>, w: Work, rules: Rules, send: Send): void {
  const { item, bin, outcomes } = w
  const { key } = item
  let watches = all.get(key)
  if (item.kind === 'forgotten') {
    for (const detector of rules.detectors) {
      const watch = watches?.[detector.kind]
      if (watch) resolve(watch, { ...rules, channel: key, detector }, FORGOTTEN, send)
    }
    all.delete(key)
    return
  }
  // Before the first bin that can be judged there is nothing to watch, and in most channels there never is.
  if (!watches && !bin) return
  if (!watches) {
    watches = {}
    all.set(key, watches)
  }
  const watchOf = ({ kind }: Detector): Watch => {
    watches[kind] ??= createWatch()
    return watches[kind]
  }
  const scopeOf = (detector: Detector): Scope => ({ ...rules, channel: key, detector })
  /** Those that need a level first, as ever. */
  const each = (which: (detector: Detector) => boolean, act: (watch: Watch, scope: Scope) => void): void => {
    for (const detector of rules.detectors.filter(which)) act(watchOf(detector), scopeOf(detector))
  }
  const isFree = (detector: Detector): boolean => !needsLevel(detector)

  switch (item.kind) {
    case 'idle': {
      const why = `idle: no ${item.measure} for 24 covered hours`
      const end = (watch: Watch, scope: Scope) =>
        withdraw(watch, scope, { ...item, resolution: null }, why, send)
      each(needsLevel, end)
      each(isFree, end)
      return
    }
    case 'insufficient':
      each(needsLevel, (watch, scope) => withdraw(watch, scope, item, `not enough data: ${item.why}`, send))
      return
    case 'masked': {
      const stop = (watch: Watch, scope: Scope) => freeze(watch, scope, { ...item, end: item.time }, send)
      each(needsLevel, stop)
      each(isFree, stop)
      return
    }
    default:
      for (const detector of judging(item, bin!, rules)) {
        outcomes.push(decideBin(watchOf(detector), scopeOf(detector), bin!, send))
      }
  }
}

function decideBin(watch: Watch, scope: Scope, bin: Bin, send: Send): Outcome {
  const { detector, settings } = scope
  const seen = { ...bin, found: (bin.found as Found)[detector.kind] }
  const judge = () => detector.judge({ ...seen, score: bin.score }, baseline, settings)
  const baseline = supportOf(watch, bin)?.baseline ?? null
  const verdict = judge()
  const facts = () => detector.facts(seen, settings)
  const decision = decide(watch, scope, bin, verdict, facts, send)
  const over = watch.episode && detector.over?.(seen, watch.episode.openedAt, settings)
  if (over) resolve(watch, scope, over, send)
  return { kind: detector.kind, decision, verdict, facts, quietUntil: watch.quietUntil, again: judge }
}
