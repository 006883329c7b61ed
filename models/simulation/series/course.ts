/** What happens to a series: its usual course with a daily cycle and a wandering level, and one event of its kind. */
import { BASE, DAY, HOUR } from '../../../common/time.ts'
import type { Random } from '../../random.ts'
import { between, logBetween } from './draw.ts'
import { type Kernel, meanUnder, outsideFor } from './kernel.ts'
import type { Course } from './process.ts'

/** How often each kind is drawn. */
export const KINDS = {
  /** The branching ratio climbs, what comes from outside stays: the mean grows. */
  tipping: 0.24,
  /** The branching ratio climbs, and what comes from outside falls so that the mean stays about level. */
  flat: 0.1,
  constant: 0.17,
  /** The mean of a tipping series, all of it from outside; the memory is constant. */
  ramp: 0.16,
  step: 0.05,
  /** Posts jump, once or several times, and fade. */
  burst: 0.07,
  /** A post gets a crowd of replies that nobody answers. */
  star: 0.05,
  /** Noise without memory that grows, or is large. */
  noise: 0.04,
  /** What comes from outside wanders within hours, more and more. */
  wander: 0.05,
  /** The share of replies drifts; the ratio does not. */
  shares: 0.06,
  /** Another daily cycle from now on. */
  cycle: 0.03,
  /** Quieter for some hours, then as before. */
  dip: 0.04,
}
export type Kind = keyof typeof KINDS

/** Bins: the event begins at `start` and has come to its height at `end`; `calm`: from here on it is over. */
export type Event = { start: number; end: number; calm: number }

export type CourseOptions = {
  kind: Kind
  /** Casts per bin that are usual. */
  mean: number
  /** Bins before the event begins, and after it is over. */
  history: number
  rest: number
  /** When the first bin begins, ms. */
  start: number
  /** The ratio begins below this where nothing tips. */
  highest: number
}

/** Bins in which an event builds up: 2 to 11 hours. */
const BUILD_UP = { shortest: 24, longest: 132 }
/** A series that climbs to tip begins below this ratio, so that there is something to climb. */
const CLIMBS_FROM = 0.65
/** A ramp goes as high, over the usual mean, as a cascade that is held by its cap. */
const RAMP_CAP = 12

export function drawCourse(
  random: Random,
  kernel: Kernel,
  { kind, mean, history, rest, start, highest }: CourseOptions,
): { course: Course; event: Event } {
  const climbs = kind === 'tipping' || kind === 'flat' || kind === 'ramp'
  const own = (climbs ? CLIMBS_FROM : highest) * random.next()
  const end = history + Math.round(logBetween(random, BUILD_UP.shortest, BUILD_UP.longest))
  const calm = end + (climbs ? 3 + random.int(12) : 0)
  const bins = calm + rest
  const event = { start: history, end, calm }
  const path = drawPath(random, kernel, kind, own, event, bins)

  const usualCycle = drawCycle(random)
  const newCycle = kind === 'cycle' ? drawCycle(random) : usualCycle
  const level = drawWander(random, bins, between(random, 0, 0.25), logBetween(random, 72, 432))
  const base = drawNoise(random)
  const share = between(random, 0.5, 0.98)
  const to = kind === 'shares' ? between(random, 0.3, 0.98) : share
  // How people talk changes by itself, within hours and days.
  const odds = drawWander(random, bins, between(random, 0, 0.5), logBetween(random, 12, 288))

  const course: Course = {
    outside: new Float64Array(bins),
    ratio: new Float64Array(bins).fill(own),
    replyShare: new Float64Array(bins),
    // Some answer what is days old.
    oldReplies: random.next() < 0.5 ? 0 : between(random, 0, 0.4),
    crowd: new Float64Array(bins),
    noise: new Float64Array(bins),
    usual: new Float64Array(bins),
    cap: between(random, 7, 18),
  }
  for (let t = 0; t < bins; t++) {
    const time = start + t * BASE
    const done = Math.max(0, Math.min(1, (t - history) / (end - history)))
    const cycle = usualCycle(time) * (1 - done) + newCycle(time) * done
    const i = t - history
    course.usual[t] = mean * cycle
    course.outside[t] = mean * cycle * level[t]! * (i < 0 ? 1 - own : path.outside[i]!)
    if (i >= 0) course.ratio[t] = path.ratio[i]!
    const toOne = (odds[t]! * (share + (to - share) * done)) / (1 - share - (to - share) * done)
    course.replyShare[t] = toOne / (1 + toOne)
    if (i >= 0) course.crowd[t] = mean * cycle * path.crowd[i]!
    course.noise[t] = base + (i < 0 ? 0 : path.noise[i]!)
  }
  return { course, event }
}

/** From the event's beginning on, relative to the usual mean. */
type Path = Record<'outside' | 'ratio' | 'crowd' | 'noise', Float64Array>

function drawPath(random: Random, kernel: Kernel, kind: Kind, own: number, event: Event, bins: number): Path {
  const length = bins - event.start
  const build = event.end - event.start
  const calm = event.calm - event.start
  const path: Path = {
    outside: new Float64Array(length).fill(1 - own),
    ratio: new Float64Array(length).fill(own),
    crowd: new Float64Array(length),
    noise: new Float64Array(length),
  }
  const each = (what: keyof Path, of: (t: number, before: number) => number): void => {
    for (let t = 0; t < length; t++) path[what][t] = of(t, path[what][t]!)
  }
  switch (kind) {
    case 'tipping':
      path.ratio = drawClimb(random, own, build, calm, length)
      break
    case 'ramp': {
      const rate = meanUnder(kernel, path.outside, drawClimb(random, own, build, calm, length))
      const held = rate.map((x) => Math.min(x, RAMP_CAP))
      path.outside = outsideFor(kernel, held, path.ratio)
      break
    }
    case 'flat': {
      path.ratio = drawClimb(random, own, build, calm, length)
      const level = outsideFor(kernel, new Float64Array(length).fill(1), path.ratio)
      const part = between(random, 0.5, 1)
      // Once it is over what comes from outside comes back within an hour.
      each('outside', (t, before) => {
        const weight = part * Math.max(0, Math.min(1, 1 - (t - calm) / 12))
        return weight * level[t]! + (1 - weight) * before
      })
      break
    }
    case 'step': {
      const factor = logBetween(random, 1.3, 5)
      const from = random.int(build)
      const lasts = random.next() < 0.5 ? length : logBetween(random, 6, 96)
      each('outside', (t, before) => (t >= from && t < from + lasts ? factor * before : before))
      break
    }
    case 'burst':
      for (let n = 1 + random.int(3); n > 0; n--) addBurst(random, path.outside, build, 1 - own)
      break
    case 'star':
      for (let n = 1 + random.int(3); n > 0; n--) addBurst(random, path.crowd, build, 0.6)
      break
    case 'noise': {
      const least = random.next() < 0.3 ? 1 : 0
      const most = logBetween(random, 0.1, 1)
      each('noise', (t) => most * Math.max(least, Math.min(1, t / build)))
      break
    }
    case 'wander': {
      const swing = drawWander(random, length, between(random, 0.3, 0.7), logBetween(random, 3, 24))
      each('outside', (t, before) => before * swing[t]! ** Math.min(1, t / build))
      break
    }
    case 'dip': {
      const factor = between(random, 0.03, 0.7)
      const memory = random.next() < 0.5 ? factor : 1
      const from = random.int(build)
      const to = from + logBetween(random, 6, 96)
      const back = logBetween(random, 1, 48)
      const depth = (t: number): number => (t < from ? 0 : t < to ? 1 : Math.max(0, 1 - (t - to) / back))
      each('outside', (t, before) => before * (1 - (1 - factor) * depth(t)))
      each('ratio', (t, before) => before * (1 - (1 - memory) * depth(t)))
      break
    }
  }
  return path
}

/** A branching ratio that climbs from `own` to 0.9-1.05 within `build` bins, may overshoot until `calm`, and is back. */
function drawClimb(random: Random, own: number, build: number, calm: number, length: number): Float64Array {
  const top = between(random, 0.9, 1.05)
  const peak = random.next() < 0.5 ? between(random, top, 1.7) : top
  const power = random.next() < 0.6 ? 1 : logBetween(random, 0.6, 2)
  return Float64Array.from({ length }, (_, t) => {
    if (t >= calm) return own
    if (t < build) return own + (top - own) * (t / build) ** power
    return top + ((peak - top) * (t - build)) / (calm - build)
  })
}

/** A jump at a random time until a little after the build-up, that fades; a fifth are over at once. */
function addBurst(random: Random, path: Float64Array, build: number, unit: number): void {
  const from = random.int(Math.min(path.length, build + 12))
  const height = unit * (logBetween(random, 1.5, 15) - 1)
  const fade = random.next() < 0.2 ? 0.3 : logBetween(random, 2, 24)
  for (let t = from; t < path.length; t++) path[t]! += height * Math.exp((from - t) / fade)
}

/** exp of an Ornstein-Uhlenbeck process with this standard deviation and time constant in bins; mean 1. */
function drawWander(random: Random, bins: number, sd: number, time: number): Float64Array {
  const kept = Math.exp(-1 / time)
  const step = sd * Math.sqrt(1 - kept * kept)
  let x = sd * random.normal()
  return Float64Array.from({ length: bins }, () => {
    const now = Math.exp(x - (sd * sd) / 2)
    x = kept * x + step * random.normal()
    return now
  })
}

/** Most series have little noise beside their own, some much. */
const drawNoise = (random: Random): number => {
  const u = random.next()
  return u < 0.5 ? 0 : u < 0.9 ? logBetween(random, 0.005, 0.06) : logBetween(random, 0.06, 0.3)
}

const FLAT = (): number => 1

/** A factor of about mean 1 by the time of day, and less or more at the weekend; one series in seven has none. */
function drawCycle(random: Random): (time: number) => number {
  if (random.next() < 1 / 7) return FLAT
  const amplitude = between(random, 0.1, 1)
  const second = between(random, 0, 0.25)
  const peak = 24 * random.next()
  const weekend = Math.exp(0.25 * random.normal() - 0.1)
  const byBin = Float64Array.from({ length: DAY / BASE }, (_, i) => {
    const angle = (2 * Math.PI * ((i * BASE) / HOUR - peak)) / 24
    return Math.exp(amplitude * Math.cos(angle) + second * Math.cos(2 * angle))
  })
  const mean = byBin.reduce((sum, x) => sum + x, 0) / byBin.length
  return (time) => {
    // The epoch was a Thursday.
    const day = Math.floor(time / DAY) % 7
    const factor = day === 2 || day === 3 ? weekend : 1
    return (factor * byBin[Math.floor((time % DAY) / BASE)]!) / mean
  }
}
