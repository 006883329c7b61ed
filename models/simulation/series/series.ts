/**
 * Series of a channel's posts and replies per bin of 5 minutes, made for training and evaluation: some are on their way
 * to a self-feeding cascade, all others only look like it. Pure: the same name gives the same series.
 */
import { BASE, WEEK } from '../../../common/time.ts'
import { createRandom, type Random } from '../../random.ts'
import { drawCourse, type Event, type Kind } from './course.ts'
import { between, logBetween } from './draw.ts'
import { contact, hawkes, type Process } from './process.ts'

export const FAMILIES = ['hawkes', 'contact', 'bistable'] as const
/** `contact` and `bistable` are mechanisms that nothing is trained on. */
export type Family = (typeof FAMILIES)[number]

export type Series = {
  family: Family
  kind: Kind
  /** Casts per bin that are usual, in the mean over a week. */
  mean: number
  /** When the first bin begins, ms. */
  start: number
  posts: Float64Array
  replies: Float64Array
  /** 1 where a bin is not covered, 2 where only its replies are not. */
  masked: Uint8Array
  /** The branching ratio by bins: what is to be found out. */
  ratio: Float64Array
  event: Event
}

export type SeriesOptions = {
  family: Family
  kind: Kind
  mean: number
  /** Bins before the event begins, and after it is over. */
  history: number
  rest: number
}

export function drawSeries(seed: string, options: SeriesOptions): Series {
  const { family, kind, mean, history, rest } = options
  const random = createRandom(`series ${seed}`)
  const process = drawProcess(random, family)
  const start = BASE * random.int(WEEK / BASE)
  const { course, event } = drawCourse(random, process.kernel, {
    kind,
    mean,
    history,
    rest,
    start,
    highest: HIGHEST[family],
  })
  const { posts, replies } = process.run(random, course)
  const masked = drawGaps(random, posts.length)
  return { family, kind, mean, start, posts, replies, masked, ratio: course.ratio, event }
}

/** Own branching ratios are below it; what reinforces itself tips by chance above 0.6. */
const HIGHEST: Record<Family, number> = { hawkes: 0.9, contact: 0.9, bistable: 0.6 }

function drawProcess(random: Random, family: Family): Process {
  switch (family) {
    case 'hawkes':
      return hawkes({ delays: drawDelays(random), attraction: drawAttraction(random) })
    case 'bistable':
      return hawkes({
        delays: [{ share: 1, mean: logBetween(random, 1.5, 8) }],
        attraction: 1,
        reinforcement: between(random, 0.3, 1),
      })
    case 'contact':
      return contact({
        exponent: between(random, 2, 3.5),
        half: logBetween(random, 0.8, 5),
        crowd: between(random, 8, 40),
      })
  }
}

/** Two or three exponentials with means from 2 minutes to 3 hours, most of it within the hour. */
function drawDelays(random: Random) {
  const fast = { share: between(random, 0.2, 0.8), mean: logBetween(random, 0.4, 2) }
  const middle = { share: 1 - fast.share, mean: logBetween(random, 2, 12) }
  if (random.next() < 0.4) return [fast, middle]
  const slow = { share: between(random, 0.02, 0.25), mean: logBetween(random, 12, 36) }
  return [slow, ...[fast, middle].map((d) => ({ ...d, share: d.share * (1 - slow.share) }))]
}

const drawAttraction = (random: Random): number => (random.next() < 0.2 ? 0 : logBetween(random, 0.1, 3))

/** Half of the series have gaps: single bins, and stretches of up to 3 hours. */
function drawGaps(random: Random, bins: number): Uint8Array {
  const masked = new Uint8Array(bins)
  if (random.next() < 0.5) return masked
  const every = logBetween(random, 40, 1000)
  const longest = logBetween(random, 1, 36)
  for (let t = random.exponential(every); t < bins; t += 1 + random.exponential(every)) {
    const length = 1 + random.int(Math.ceil(longest))
    masked.fill(random.next() < 0.7 ? 1 : 2, Math.floor(t), Math.floor(t) + length)
  }
  return masked
}
