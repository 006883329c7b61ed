/** Moments of simulated series, each with the network's rows, what the baselines say, and whether it tips. */
import { ROW } from '../cnn-lstm/inputs.ts'
import { createRandom } from '../random.ts'
import { logBetween } from '../simulation/series/draw.ts'
import { drawSeries, type Family, type Series } from '../simulation/series/series.ts'
import { drawKind, HISTORY, KIND_NAMES } from '../training/dataset.ts'
import { follow } from '../training/follow.ts'
import { drawMoments, labelAt } from '../training/labels.ts'
import { type Baseline, baselinesAt, createHistory, push } from './baselines.ts'

/** Columns of equal length; rows one after another, with and without the share of replies. */
export type Moments = {
  rows: Float32Array
  rowsWithout: Float32Array
  labels: Uint8Array
  /** Which series; index in KIND_NAMES. */
  series: Uint32Array
  kinds: Uint8Array
  bins: Uint32Array
  values: Record<Baseline, number[]>
}

export type MomentsJob = {
  seed: string
  family: Family
  /** Casts per bin that are usual. */
  mean: number
  from: number
  to: number
}

/** Before the break alone: what comes after it is no warning. */
const BEFORE_BREAK = 0

/** A few moments of each of the series numbered `from` to `to` (not included), as training draws them. */
export function drawEvaluated({ seed, family, mean, from, to }: MomentsJob): Moments {
  const out = createMoments()
  for (let index = from; index < to; index++) {
    const name = `evaluation ${seed}/${family}/${mean}/${index}`
    const random = createRandom(name)
    const kind = drawKind(random)
    const history = Math.round(logBetween(random, HISTORY.least, HISTORY.most))
    const series = drawSeries(name, { family, kind, mean, history, rest: 60 })
    const chosen = drawMoments(random, series, BEFORE_BREAK)
    addMoments(out, series, index, (bin) => (chosen.has(bin) ? labelAt(series, bin) : null))
  }
  return out.finish()
}

/** Adds what is seen of a series of casts at the bins that have a label, where the stream would judge it. */
export function addMoments(
  out: ReturnType<typeof createMoments>,
  series: Series,
  index: number,
  labelOf: (bin: number) => 0 | 1 | null,
): void {
  const history = createHistory()
  const without = follow(series, { measure: 'casts', repliesKnown: false })
  for (const seen of follow(series, { measure: 'casts', repliesKnown: true })) {
    const blind = without.next().value!
    const { bin, reading, shareResidual } = seen
    push(history, { reading, replies: series.replies[bin]!, casts: reading.count, shareResidual })
    const label = labelOf(bin)
    if (label === null || !seen.scorable) continue
    out.add({
      seen,
      blind,
      label,
      index,
      kind: KIND_NAMES.indexOf(series.kind),
      values: baselinesAt(history),
    })
  }
}

type Writes = { write(rows: Float32Array, at: number): void; bin: number }
type Moment = {
  seen: Writes
  blind: Writes
  label: number
  index: number
  kind: number
  values: Record<Baseline, number>
}

export function createMoments() {
  const moments: Omit<Moment, 'seen' | 'blind'>[] = []
  const rows: Float32Array[] = []
  const rowsWithout: Float32Array[] = []
  const bins: number[] = []
  const rowOf = ({ write }: Writes): Float32Array => {
    const row = new Float32Array(ROW)
    write(row, 0)
    return row
  }
  return {
    add({ seen, blind, ...moment }: Moment): void {
      rows.push(rowOf(seen))
      rowsWithout.push(rowOf(blind))
      bins.push(seen.bin)
      moments.push(moment)
    },
    finish: (): Moments => ({
      rows: flat(rows),
      rowsWithout: flat(rowsWithout),
      labels: Uint8Array.from(moments, (m) => m.label),
      series: Uint32Array.from(moments, (m) => m.index),
      kinds: Uint8Array.from(moments, (m) => m.kind),
      bins: Uint32Array.from(bins),
      values: Object.fromEntries(
        Object.keys(moments[0]?.values ?? {}).map((name) => [
          name,
          moments.map(({ values }) => values[name as Baseline]),
        ]),
      ) as Record<Baseline, number[]>,
    }),
  }
}

function flat(rows: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(rows.length * ROW)
  for (const [i, row] of rows.entries()) all.set(row, i * ROW)
  return all
}
