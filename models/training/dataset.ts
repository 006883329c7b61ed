/** Rows for the network with what they are: of simulated series, several moments each. */
import { ROW } from '../cnn-lstm/inputs.ts'
import { createRandom, type Random } from '../random.ts'
import { KINDS, type Kind } from '../simulation/series/course.ts'
import { logBetween } from '../simulation/series/draw.ts'
import { drawSeries, type Family } from '../simulation/series/series.ts'
import { follow, type View } from './follow.ts'
import { drawMoments, LATE, labelAt } from './labels.ts'

/** Columns of equal length; the rows one after another. */
export type Dataset = {
  rows: Float32Array
  /** 1: on the way to a cascade. */
  labels: Uint8Array
  /** Which series; moments of one series stand together. */
  series: Uint32Array
  /** Index in `KIND_NAMES`; casts per bin that are usual; 1 where the share of replies is in the row. */
  kinds: Uint8Array
  means: Float32Array
  replies: Uint8Array
}

export const KIND_NAMES = Object.keys(KINDS) as Kind[]

/** From a day, without which nothing is judged, to a week. */
export const HISTORY = { least: 300, most: 2016 }
const MEANS = { least: 1.5, most: 150 }
/** Of the rows, those in which the share of replies is missing: more often where only posts are polled. */
const UNKNOWN_REPLIES = { casts: 0.35, replies: 0.25, posts: 0.6 }

/** As often as each kind is drawn. */
export function drawKind(random: Random): Kind {
  let left = random.next() * Object.values(KINDS).reduce((sum, share) => sum + share, 0)
  for (const kind of KIND_NAMES) {
    left -= KINDS[kind]
    if (left < 0) return kind
  }
  return 'constant'
}

function drawView(random: Random): View {
  const u = random.next()
  const measure = u < 0.66 ? 'casts' : u < 0.84 ? 'replies' : 'posts'
  return { measure, repliesKnown: random.next() >= UNKNOWN_REPLIES[measure] }
}

export type DatasetOptions = { seed: string; family: Family; from: number; to: number }

/** The series numbered `from` to `to` (not included) of the seed. */
export function makeDataset({ seed, family, from, to }: DatasetOptions): Dataset {
  const out = createColumns(to - from)
  for (let index = from; index < to; index++) {
    const random = createRandom(`${seed}/${family}/${index}`)
    const kind = drawKind(random)
    const mean = logBetween(random, MEANS.least, MEANS.most)
    const history = Math.round(logBetween(random, HISTORY.least, HISTORY.most))
    const series = drawSeries(`${seed}/${family}/${index}`, { family, kind, mean, history, rest: 60 })
    const moments = drawMoments(random, series, LATE)
    const view = drawView(random)
    for (const seen of follow(series, view)) {
      if (!seen.scorable || !moments.has(seen.bin)) continue
      const label = labelAt(series, seen.bin)
      if (label !== null) {
        out.add({
          write: seen.write,
          label,
          index,
          kind: KIND_NAMES.indexOf(kind),
          mean,
          replies: view.repliesKnown,
        })
      }
    }
  }
  return out.finish()
}

type Entry = {
  write(rows: Float32Array, at: number): void
  label: number
  index: number
  kind: number
  mean: number
  replies: boolean
}

const MOST_MOMENTS = 4

/** Room for so many windows. */
const emptyDataset = (size: number): Dataset => ({
  rows: new Float32Array(size * ROW),
  labels: new Uint8Array(size),
  series: new Uint32Array(size),
  kinds: new Uint8Array(size),
  means: new Float32Array(size),
  replies: new Uint8Array(size),
})

function createColumns(series: number) {
  const columns = emptyDataset(series * MOST_MOMENTS)
  let n = 0
  return {
    add({ write, label, index, kind, mean, replies }: Entry): void {
      write(columns.rows, n * ROW)
      columns.labels[n] = label
      columns.series[n] = index
      columns.kinds[n] = kind
      columns.means[n] = mean
      columns.replies[n] = Number(replies)
      n++
    },
    finish: (): Dataset => ({
      rows: columns.rows.slice(0, n * ROW),
      labels: columns.labels.slice(0, n),
      series: columns.series.slice(0, n),
      kinds: columns.kinds.slice(0, n),
      means: columns.means.slice(0, n),
      replies: columns.replies.slice(0, n),
    }),
  }
}

/** One after another. */
export function join(parts: readonly Dataset[]): Dataset {
  const size = parts.reduce((sum, part) => sum + part.labels.length, 0)
  const whole = emptyDataset(size)
  let n = 0
  for (const part of parts) {
    whole.rows.set(part.rows, n * ROW)
    for (const name of ['labels', 'series', 'kinds', 'means', 'replies'] as const) {
      whole[name].set(part[name], n)
    }
    n += part.labels.length
  }
  return whole
}
