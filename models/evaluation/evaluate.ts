/**
 * The score against its baselines, on simulated series of mechanisms that it was and that it was not trained on: areas
 * under ROC curves with intervals, warnings at an equal number of false ones, and how far the score is a probability.
 */

import { auc } from '../auc.ts'
import type { Scorer } from '../cnn-lstm/scorer.ts'
import { createRandom } from '../random.ts'
import type { Family } from '../simulation/series/series.ts'
import { openThreads } from '../threads.ts'
import { baseRateWeights } from '../training/calibrate.ts'
import { KIND_NAMES } from '../training/dataset.ts'
import { BASE_RATE } from '../training/train.ts'
import { BASELINES, REPLY_BASELINES } from './baselines.ts'
import { type Compared, compare } from './bootstrap.ts'
import type { Moments, MomentsJob } from './moments.ts'
import type { Stretch, Stretches, StretchJob } from './stretches.ts'
import { type Course, found, thresholdFor, warningsPerDay } from './warnings.ts'

export const MEANS = [3, 10, 30, 100] as const
export const SCORE = 'score'
export const SCORE_WITHOUT = 'score, replies unknown'
const NAMES = [SCORE, SCORE_WITHOUT, ...BASELINES, ...REPLY_BASELINES] as const
type Name = (typeof NAMES)[number]

/** False warnings per channel-day in series in which nothing happens: all thresholds are set to have these. */
export const BUDGET = 0.05
/** The family in which they are set: the one that is trained on. */
const TRAINED: Family = 'hawkes'

export type Areas = {
  family: Family
  mean: number
  series: number
  positives: number
  negatives: number
  compared: Compared[]
}
/** Areas of the score against one kind of series alone, all means together. */
export type KindArea = { family: Family; kind: string; score: number; without: number }
export type Warned = {
  family: Family
  name: Name
  /** False warnings per channel-day where nothing happens, and where something only looks like it. */
  quiet: number
  lookAlikes: number
  /** Of the series that tip, the share warned of before the break; the median of how long before. */
  found: number
  leadHours: number
}
/** Moments by their score: how many, the mean of the score, and how many of them tip, at the base rate. */
export type Reliability = { from: number; to: number; moments: number; score: number; tips: number }

export type Evaluation = {
  model: string
  seed: number
  areas: Areas[]
  kinds: KindArea[]
  warned: Warned[]
  reliability: Reliability[]
}

export type EvaluateOptions = {
  scorer: Scorer
  seed: number
  families: readonly Family[]
  /** Per family and mean; as many stretches of each sort. */
  series: number
  onProgress?: (share: number, doing: string) => void
}

export async function evaluate(options: EvaluateOptions): Promise<Evaluation> {
  const threads = openThreads<MomentsJob | StretchJob, Moments | Stretches>(WORKER)
  try {
    return await evaluateWith(options, threads as Workers)
  } finally {
    await threads.close()
  }
}

async function evaluateWith(options: EvaluateOptions, workers: Workers): Promise<Evaluation> {
  const { scorer, families } = options
  const seed = `${options.seed}`
  // Stretches are longer than moments, by about this much.
  const weights = { moments: 1, stretches: 2 }
  const steps = families.length * (MEANS.length * weights.moments + 3 * weights.stretches) + weights.stretches
  let done = 0
  const progress = (doing: string, weight: number): ((share: number) => void) => {
    const before = done
    done += weight
    return (share) => options.onProgress?.((before + share * weight) / steps, doing)
  }

  const areas: Areas[] = []
  const kinds: KindArea[] = []
  let reliability: Reliability[] = []
  for (const family of families) {
    const all: Scored[] = []
    for (const mean of MEANS) {
      const jobs = split(options.series, (from, to) => ({ seed, family, mean, from, to }))
      const told = progress(`${family}, ${mean} per bin`, weights.moments)
      const scored = await gather(scorer, workers, jobs, told)
      areas.push(areasOf(scored, family, mean, options.seed))
      all.push(scored)
    }
    kinds.push(...kindAreas(all, family))
    if (family === TRAINED) reliability = reliabilityOf(all)
  }

  const courses = (family: Family, stretch: Stretch, name = seed): Promise<Map<Name, Course[]>> => {
    const jobs = split(options.series, (from, to) => ({ seed: name, family, stretch, from, to }))
    return gatherCourses(scorer, workers, jobs, progress(`${family}, ${stretch}`, weights.stretches))
  }
  // Set on other series than those counted.
  const set = await courses(TRAINED, 'quiet', `${seed} threshold`)
  const thresholds = new Map(NAMES.map((name) => [name, thresholdFor(set.get(name)!, BUDGET)]))
  const warned: Warned[] = []
  for (const family of families) {
    const quiet = await courses(family, 'quiet')
    const tipping = await courses(family, 'tipping')
    const lookAlikes = await courses(family, 'look-alike')
    for (const name of NAMES) {
      const threshold = thresholds.get(name)!
      const { share, leadHours } = found(tipping.get(name)!, threshold)
      warned.push({
        family,
        name,
        quiet: warningsPerDay(quiet.get(name)!, threshold),
        lookAlikes: warningsPerDay(lookAlikes.get(name)!, threshold),
        found: share,
        leadHours,
      })
    }
  }
  return { model: scorer.model, seed: options.seed, areas, kinds, warned, reliability }
}

type Workers = {
  answers(jobs: readonly MomentsJob[]): AsyncGenerator<Moments>
  answers(jobs: readonly StretchJob[]): AsyncGenerator<Stretches>
}

/** Series that a thread makes at a time: rows of whole stretches are large. */
const PART = 20

function split<Job>(series: number, of: (from: number, to: number) => Job): Job[] {
  const jobs: Job[] = []
  for (let from = 0; from < series; from += PART) jobs.push(of(from, Math.min(series, from + PART)))
  return jobs
}

/** Moments without their rows, which have been scored. */
type Scored = {
  labels: number[]
  series: number[]
  kinds: number[]
  values: Record<Name, number[]>
}

const WORKER = new URL('evaluation-worker.ts', import.meta.url)

async function scored(
  scorer: Scorer,
  { rows, rowsWithout, values }: Moments,
): Promise<Record<Name, number[]>> {
  const [score, without] = [await scorer.score(rows), await scorer.score(rowsWithout)]
  return { [SCORE]: Array.from(score), [SCORE_WITHOUT]: Array.from(without), ...values }
}

async function gather(
  scorer: Scorer,
  workers: Workers,
  jobs: readonly MomentsJob[],
  onProgress: (share: number) => void,
): Promise<Scored> {
  const all = { labels: [], series: [], kinds: [], values: byName(() => []) } as Scored
  let done = 0
  for await (const part of workers.answers(jobs)) {
    onProgress(++done / jobs.length)
    if (part.labels.length === 0) continue
    const values = await scored(scorer, part)
    all.labels.push(...part.labels)
    all.series.push(...part.series)
    all.kinds.push(...part.kinds)
    for (const name of NAMES) all.values[name].push(...values[name])
  }
  return all
}

async function gatherCourses(
  scorer: Scorer,
  workers: Workers,
  jobs: readonly StretchJob[],
  onProgress: (share: number) => void,
): Promise<Map<Name, Course[]>> {
  const courses = new Map<Name, Course[]>(NAMES.map((name) => [name, []]))
  let done = 0
  for await (const part of workers.answers(jobs)) {
    const { from } = jobs[done]!
    onProgress(++done / jobs.length)
    if (part.labels.length === 0) continue
    const values = await scored(scorer, part)
    part.ends.forEach((end, i) => {
      const first = part.series.indexOf(from + i)
      if (first < 0) return
      const next = part.series.lastIndexOf(from + i) + 1
      const bins = part.bins.subarray(first, next)
      for (const name of NAMES)
        courses.get(name)!.push({ bins, values: values[name].slice(first, next), end })
    })
  }
  return courses
}

const byName = <T>(of: (name: Name) => T): Record<Name, T> =>
  Object.fromEntries(NAMES.map((name) => [name, of(name)])) as Record<Name, T>

function areasOf({ labels, series, values }: Scored, family: Family, mean: number, seed: number): Areas {
  const positives = labels.filter((x) => x === 1).length
  return {
    family,
    mean,
    series: new Set(series).size,
    positives,
    negatives: labels.length - positives,
    compared: compare({
      labels,
      series,
      values,
      against: [SCORE, SCORE_WITHOUT],
      random: createRandom(`bootstrap ${seed} ${family} ${mean}`),
    }),
  }
}

const TIPS = ['tipping', 'flat']

/** What tips against one kind; against what tips: those moments of it at which it does not yet, or no more. */
function kindAreas(all: readonly Scored[], family: Family): KindArea[] {
  const moments = all.flatMap(({ labels, kinds, values }) =>
    labels.map((label, i) => ({
      label,
      kind: KIND_NAMES[kinds[i]!]!,
      score: values[SCORE][i]!,
      without: values[SCORE_WITHOUT][i]!,
    })),
  )
  const area = (positives: readonly string[], negatives: readonly string[]) => {
    const chosen = moments.filter(({ label, kind }) => (label ? positives : negatives).includes(kind))
    const labels = chosen.map(({ label }) => label)
    return {
      score: auc(
        chosen.map((m) => m.score),
        labels,
      ),
      without: auc(
        chosen.map((m) => m.without),
        labels,
      ),
    }
  }
  const others = KIND_NAMES.filter((kind) => !TIPS.includes(kind))
  return [
    { family, kind: 'tipping, before or after', ...area(TIPS, TIPS) },
    ...others.map((kind) => ({ family, kind, ...area(TIPS, [kind]) })),
  ]
}

const EDGES = [0, 0.01, 0.03, 0.1, 0.3, 0.5, 0.7, 0.9, 1]

function reliabilityOf(all: readonly Scored[]): Reliability[] {
  const labels = all.flatMap((s) => s.labels)
  const scores = all.flatMap((s) => s.values[SCORE])
  const weightOf = baseRateWeights(labels, BASE_RATE)
  return EDGES.slice(1).map((to, i) => {
    const from = EDGES[i]!
    let [moments, weights, score, tips] = [0, 0, 0, 0]
    scores.forEach((p, at) => {
      if (p < from || (p >= to && to < 1)) return
      const weight = weightOf(labels[at]!)
      moments++
      weights += weight
      score += weight * p
      tips += weight * labels[at]!
    })
    return { from, to, moments, score: score / weights, tips: tips / weights }
  })
}
