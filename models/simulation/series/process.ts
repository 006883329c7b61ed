/** What a series is made of, and the two ways to make counts of it. */
import type { Random } from '../../random.ts'
import { type Kernel, kernelOf } from './kernel.ts'

/** The course of a series, by bins of 5 minutes. Rates are events per bin. */
export type Course = {
  /** Spontaneous casts expected: nothing that is being talked about begot them. */
  outside: Float64Array
  /** Casts that a cast begets in the mean. */
  ratio: Float64Array
  /** Of the begotten, and of the spontaneous, the share that are replies; the others are posts. */
  replyShare: Float64Array
  oldReplies: number
  /** Further replies expected that nobody answers. */
  crowd: Float64Array
  /** Variance of a factor of mean 1 on all that happens in the bin. */
  noise: Float64Array
  /** Casts that are usual at this time. */
  usual: Float64Array
  /** At more than this many times the usual nobody can read it all: the ratio is held below 1. */
  cap: number
}

export type Counts = { posts: Float64Array; replies: Float64Array }

/** A way in which casts beget casts. The kernel gives the mean rate that follows from a course. */
export type Process = { kernel: Kernel; run(random: Random, course: Course): Counts }

/** Minutes: delays shorter than a bin matter, and those below a minute don't. */
const STEPS = 5
const CAPPED_RATIO = 0.8

const held = (ratio: number, load: number, cap: number): number =>
  load > cap ? Math.min(ratio, CAPPED_RATIO) : ratio

type Exponential = { share: number /** In bins. */; mean: number }

export type HawkesOptions = {
  /** The delays of what is begotten are a mixture of these. */
  delays: readonly Exponential[]
  /** Variance of a cast's attraction, whose mean is 1. */
  attraction: number
  /**
   * How much busy talk draws: the ratio is multiplied by 2 load^m / (load^m + 1), 1 at the usual level. The gain of a
   * small disturbance is then (1 + m/2) times the ratio, so that it reaches 1 at a fold. 0: a linear Hawkes process.
   */
  reinforcement?: number
}

/**
 * A cluster process (Hawkes & Oakes 1974) in steps of a minute, exact but for the step: given the attractions, the
 * begotten of all casts are one Poisson process, whose rate is kept as one sum per exponential.
 */
export function hawkes({ delays, attraction, reinforcement = 0 }: HawkesOptions): Process {
  const kernel = kernelOf((t) =>
    delays.reduce((sum, { share, mean }) => sum + share * Math.exp(-t / mean), 0),
  )
  // The plain ratio whose gain is the one asked for.
  const gain = 1 + reinforcement / 2
  return {
    kernel,
    run(random, course) {
      const { outside, ratio, replyShare, oldReplies, crowd, noise, usual, cap } = course
      const bins = outside.length
      const posts = new Float64Array(bins)
      const replies = new Float64Array(bins)
      const released = delays.map(({ mean }) => 1 - Math.exp(-1 / (STEPS * mean)))
      const first = ratio[0]! / gain
      // In its usual state from the first bin on.
      const pools = delays.map(({ share }, j) => (first * share * usual[0]!) / STEPS / released[j]!)
      const posted = (1 - first) / (1 - ratio[0]!)
      let before = usual[0]!
      for (let t = 0; t < bins; t++) {
        const load = before / usual[t]!
        const drawn = load ** reinforcement
        const now = held((ratio[t]! / gain) * ((2 * drawn) / (drawn + 1)), load, cap)
        const factor = noise[t]! > 0 ? random.gamma(1 / noise[t]!, noise[t]!) : 1
        const spontaneous = (factor * posted * outside[t]!) / STEPS
        const answers = replyShare[t]!
        for (let step = 0; step < STEPS; step++) {
          let begotten = 0
          for (let j = 0; j < pools.length; j++) {
            const out = pools[j]! * released[j]!
            pools[j]! -= out
            begotten += out
          }
          begotten *= factor
          const newPosts = random.poisson(spontaneous * (1 - oldReplies) + begotten * (1 - answers))
          const newReplies = random.poisson(spontaneous * oldReplies + begotten * answers)
          const n = newPosts + newReplies
          if (n > 0) {
            const drawnTo = attraction > 0 ? random.gamma(n / attraction, attraction) : n
            for (let j = 0; j < pools.length; j++) pools[j]! += now * delays[j]!.share * drawnTo
          }
          posts[t]! += newPosts
          replies[t]! += newReplies
        }
        before = posts[t]! + replies[t]!
        replies[t]! += random.poisson(factor * crowd[t]!)
      }
      return { posts, replies }
    },
  }
}

export type ContactOptions = {
  /** Exponent of the survival function of how long an account stays in the talk; above 1. */
  exponent: number
  /** Half of what an account begets comes within this many bins. */
  half: number
  /** Accounts over those in the talk at the usual level. */
  crowd: number
}

/** Nobody stays longer. */
const LONGEST_MINUTES = 1440

/**
 * A contact process (SIS: Harris 1974) in steps of a minute. Every cast brings an account into the talk for a time with
 * a power-law (Lomax) tail; while it is there it draws others in, of those who are left.
 */
export function contact({ exponent, half, crowd }: ContactOptions): Process {
  // What it begets is spread evenly over its stay: its delay survives as (1 + t / scale)^-(exponent - 1).
  const scale = half / (2 ** (1 / (exponent - 1)) - 1)
  const stay = (scale * STEPS) / (exponent - 1)
  return {
    kernel: kernelOf((t) => (1 + t / scale) ** (1 - exponent)),
    run(random, course) {
      const { outside, ratio, replyShare, oldReplies, crowd: further, noise, usual, cap } = course
      const bins = outside.length
      const posts = new Float64Array(bins)
      const replies = new Float64Array(bins)
      const leaving = new Int32Array(LONGEST_MINUTES + 1)
      let present = 0
      const mean = usual.reduce((sum, x) => sum + x, 0) / bins
      const accounts = Math.max(50, (crowd * mean * stay) / STEPS)
      // Of the accounts, this share is away at the usual level: the ratio is meant there.
      const away = 1 - (mean * stay) / STEPS / accounts
      const enter = (n: number, minute: number): void => {
        for (let i = 0; i < n; i++) {
          const minutes = scale * STEPS * ((1 - random.next()) ** (-1 / exponent) - 1)
          // Rounded up or down by chance, so that the mean stay is right.
          const whole = Math.min(LONGEST_MINUTES - 1, Math.floor(minutes + random.next()))
          leaving[(minute + 1 + whole) % leaving.length]!++
        }
        present += n
      }
      // The talk begins empty: a day before the first bin brings it to its usual state.
      const lead = LONGEST_MINUTES / STEPS
      let before = usual[0]!
      for (let bin = -lead; bin < bins; bin++) {
        const t = Math.max(0, bin)
        const rate = held(ratio[t]!, before / usual[t]!, cap) / stay / away
        const factor = noise[t]! > 0 ? random.gamma(1 / noise[t]!, noise[t]!) : 1
        let newPosts = 0
        let newReplies = 0
        for (let step = 0; step < STEPS; step++) {
          const minute = bin * STEPS + step + LONGEST_MINUTES
          present -= leaving[minute % leaving.length]!
          leaving[minute % leaving.length] = 0
          const drawn = factor * rate * present * Math.max(0, 1 - present / accounts)
          const coming = (factor * outside[t]!) / STEPS
          const p = random.poisson(coming * (1 - oldReplies) + drawn * (1 - replyShare[t]!))
          const r = random.poisson(coming * oldReplies + drawn * replyShare[t]!)
          enter(p + r, minute)
          newPosts += p
          newReplies += r
        }
        before = newPosts + newReplies
        if (bin < 0) continue
        posts[t] = newPosts
        replies[t] = newReplies + random.poisson(factor * further[t]!)
      }
      return { posts, replies }
    },
  }
}
