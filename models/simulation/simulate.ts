import { BASE, floorTo } from '../../common/time.ts'
import type { Message } from '../../schemas/message.ts'
import { createRandom } from '../random.ts'
import { createAgenda } from './agenda.ts'
import { createConversation } from './conversation.ts'
import { type Channel, createNetwork } from './network.ts'
import { drawPlanted, type Planted } from './planted.ts'

export type SimulationOptions = {
  seed: number
  /** Where time begins, ms; moved back to the start of its bin. Default: Monday 2026-01-05T00:00:00Z. */
  start?: number
  /** The moment, ms, around which the live cascade is planted. */
  liveAt: number
  /** Plants these, in order of their start, instead of drawing some by the seed. */
  planted?: readonly Planted[]
}

/** `messages` in [start, start + 5 min), by time, then hash. */
export type Bin = { start: number; messages: Message[] }

export const DEFAULT_START = Date.UTC(2026, 0, 5)

/**
 * The messages of a simulated network, bin by bin, for ever. A pure function of its options: neither how far it is read
 * nor when changes a byte, so the stream is resumed by making it again and skipping. Spontaneous posts come at a
 * channel's own rate; each cast begets Poisson(ratio x attraction) casts and further reactions, after random delays (the
 * cluster form of a Hawkes process: Hawkes & Oakes 1974). Memory is bounded by what a day can still beget.
 */
export function simulate(options: SimulationOptions): Generator<Bin, never> {
  const { start, channels, planted } = world(options)
  return simulateChannels(options.seed, start, channels, planted)
}

/** The same for given channels only: a channel's messages are those that it has among others. */
export function* simulateChannels(
  seed: number,
  start: number,
  channels: readonly Channel[],
  planted: Iterable<Planted>,
): Generator<Bin, never> {
  const agenda = createAgenda()
  const random = createRandom(seed)
  const conversations = channels.map((channel) => createConversation(channel, random, agenda))
  const byUrl = new Map(channels.map(({ url }, i) => [url, conversations[i]!]))
  const events = planted[Symbol.iterator]()

  let upcoming = events.next()
  for (let bin = start; ; bin += BASE) {
    const seconds = agenda.open(bin)
    for (; !upcoming.done && upcoming.value.start < bin + BASE; upcoming = events.next()) {
      byUrl.get(upcoming.value.channel)?.plant(upcoming.value, bin)
    }
    for (const conversation of conversations) conversation.begin(bin)
    const messages: Message[] = []
    for (const acts of seconds) {
      // What an act leads to comes a second later at the earliest, so this list is complete.
      const together = acts.map((act) => act())
      if (together.length > 1) together.sort((a, b) => a.hash.compare(b.hash))
      messages.push(...together)
    }
    yield { start: bin, messages }
  }
}

/** What `simulate` plants that begins before `until`, by start. */
export function groundTruth(options: SimulationOptions, until: number): Planted[] {
  const found: Planted[] = []
  for (const planted of world(options).planted) {
    if (planted.start >= until) break
    found.push(planted)
  }
  return found
}

/** The channels of a seed, largest first. */
export const networkOf = (seed: number): Channel[] => createNetwork(createRandom(seed).fork('network'))

function world(options: SimulationOptions) {
  const start = floorTo(options.start ?? DEFAULT_START, BASE)
  const channels = networkOf(options.seed)
  const random = createRandom(options.seed).fork('planted')
  const planted: Iterable<Planted> = options.planted ?? drawPlanted(random, channels, start, options.liveAt)
  return { start, channels, planted }
}
