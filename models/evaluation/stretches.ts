/** Whole stretches of simulated series, bin by bin, to count warnings in: false ones, and those in time. */
import { createRandom } from '../random.ts'
import type { Kind } from '../simulation/series/course.ts'
import { logBetween } from '../simulation/series/draw.ts'
import { drawSeries, type Family } from '../simulation/series/series.ts'
import { drawKind, HISTORY } from '../training/dataset.ts'
import { addMoments, createMoments, type Moments } from './moments.ts'

/**
 * `quiet`: nothing happens, the ratio is constant; `tipping`: both kinds; `look-alike`: all the others, as often as they
 * are trained on.
 */
export const STRETCHES = ['quiet', 'tipping', 'look-alike'] as const
export type Stretch = (typeof STRETCHES)[number]

export type StretchJob = { seed: string; family: Family; stretch: Stretch; from: number; to: number }

export type Stretches = Moments & {
  /** By series, whether or not it has moments: the bin in which its event comes to its height. */
  ends: Uint32Array
}

const MEANS = { least: 3, most: 100 }
/** Bins after the event in which warnings of what doesn't tip still count as false. */
const REST = 144

const TIPS: readonly Kind[] = ['tipping', 'flat']

/** All bins of the series numbered `from` to `to` (not included): from the event's beginning, tipping ones to the break. */
export function drawStretches({ seed, family, stretch, from, to }: StretchJob): Stretches {
  const out = createMoments()
  const ends: number[] = []
  for (let index = from; index < to; index++) {
    const name = `stretch ${seed}/${family}/${stretch}/${index}`
    const random = createRandom(name)
    let kind: Kind = 'constant'
    if (stretch !== 'quiet') {
      do kind = drawKind(random)
      while (kind === 'constant' || TIPS.includes(kind) !== (stretch === 'tipping'))
    }
    const mean = logBetween(random, MEANS.least, MEANS.most)
    const history = Math.round(logBetween(random, HISTORY.least, HISTORY.most))
    const series = drawSeries(name, { family, kind, mean, history, rest: REST })
    const { start, end } = series.event
    const last = stretch === 'tipping' ? end : series.posts.length
    const label = stretch === 'tipping' ? 1 : 0
    addMoments(out, series, index, (bin) => (bin >= start && bin < last ? label : null))
    ends.push(end)
  }
  return { ...out.finish(), ends: Uint32Array.from(ends) }
}
