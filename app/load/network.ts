/**
 * The network of the load command: channels that all talk alike, each with its episodes in turn, so that alerts open,
 * update and resolve at almost every close. A pure function of the number of channels and the bin.
 */
import { BASE } from '../../common/time.ts'
import { createRandom } from '../../models/random.ts'
import { PARTS } from '../../schemas/measures.js'
import type { Cast, Reaction } from '../../schemas/records.ts'

export const SERIES_PER_CHANNEL = 5

/** Events in an ordinary bin: the 3 that make a series be judged, and enough casts for a silence to show. */
const USUAL = { posts: 5, replies: 6, reactions: 4 } as const

/** Bins from one turn of a channel's episodes to the next: longer than what follows of one, and its cool-down of 6 hours. */
const TURN = 96
/** Bins into the turn; the times of ordinary talk, of each bin of the episode. */
const EPISODES = [
  { at: 0, times: [0, 0] },
  { at: 24, times: [6, 2] },
  { at: 48, times: [1.3, 1.6, 2, 2.5, 3, 3.5, 4, 4, 3, 2] },
] as const

/** An event that is to come. */
export type Planned = { channel: string; measure: keyof typeof USUAL; time: number }

const nameOf = (channel: number): string => `https://load.example/${channel}`

/** Channels take their turns one after another; no episode begins before the bin `quiet`. */
function timesOf(channel: number, channels: number, bin: number, quiet: number): number {
  const into = (bin + Math.floor((channel * TURN) / channels)) % TURN
  for (const { at, times } of EPISODES) {
    const begin = bin - (into - at)
    if (into >= at && into < at + times.length && begin >= quiet) return times[into - at]!
  }
  return 1
}

/** The events of the bin that begins at `bin * BASE` ms, in order of time. */
export function plan(channels: number, bin: number, quiet: number): Planned[] {
  const random = createRandom(`load ${bin}`)
  const planned: Planned[] = []
  for (let channel = 0; channel < channels; channel++) {
    const times = timesOf(channel, channels, bin, quiet)
    const name = nameOf(channel)
    for (const measure of PARTS) {
      for (let n = random.poisson(USUAL[measure] * times); n > 0; n--) {
        planned.push({ channel: name, measure, time: bin * BASE + random.int(BASE) })
      }
    }
  }
  return planned.sort((a, b) => a.time - b.time)
}

const PEOPLE = 100_000
const WORDS = 'tea and water '

/** The `n`-th event of its bin as a record. */
export function recordOf({ measure, time }: Planned, n: number): Cast | Reaction {
  const hash = Buffer.alloc(20)
  hash.writeUInt32BE(Math.floor(time / BASE), 0)
  hash.writeUInt32BE(n, 4)
  // Spread over all people, so that next to nobody speaks twice in a bin.
  const fid = 1 + ((Math.imul(n + 1, 2654435761) >>> 0) % PEOPLE)
  const signed = { hash, fid, time, clock: 'signed', verified: false } as const
  const target = { fid: 1, hash: Buffer.alloc(20, 1) }
  if (measure === 'reactions') return { type: 'Reaction', ...signed, kind: 'like', target }
  return {
    type: 'Cast',
    ...signed,
    text: `Cast ${n}, as long as they often are: ${WORDS.repeat(n % 12)}`,
    parent: measure === 'replies' ? target : null,
    parentUrl: null,
    urls: [],
    quotes: [],
    mentions: [],
  }
}
