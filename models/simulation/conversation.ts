import { BASE, DAY, MINUTE, SECOND } from '../../common/time.ts'
import type { CastId, CastMessage } from '../../schemas/message.ts'
import type { Random } from '../random.ts'
import type { Agenda } from './agenda.ts'
import { CAST_DELAY, drawDelay, REACTION_DELAY, REMOVAL_DELAY } from './dynamics.ts'
import type { Channel } from './network.ts'
import { type Effect, effectOf, type Planted } from './planted.ts'
import { writeText } from './text.ts'

/** Of the casts that a cast begets, the share that are replies to it; the others are further posts in its channel. */
export const REPLY_SHARE = 0.8
/** Variance of a cast's attraction, whose mean is 1: most casts beget little, some much. */
const ATTRACTION_VARIANCE = 0.5
/** Nothing is answered after a day; what would be is left out (one reaction in 3,000). This bounds the memory. */
const LONGEST = DAY
const RECAST_SHARE = 0.18
/** Reactions that a recast's audience adds. */
const PER_RECAST = 0.6
const REMOVED_SHARE = { cast: 0.025, reaction: 0.005 }
/** How often a reply to a reply comes from whom it answered. */
const ANSWER_BACK = 0.35
/** Sd of the log of a channel's level, which wanders from day to day. */
const WANDER = 0.12

/** How many of the last casts may be quoted. */
const RECENT = 32

export type Conversation = {
  /** From its start on, not before `bin`, the event acts. */
  plant(planted: Planted, bin: number): void
  /** Puts the spontaneous posts of a bin on the agenda. Bins come in order. */
  begin(bin: number): void
}

type Spoken = { id: CastId; answers: number | undefined }

/** What happens in one channel. Its draws are its own: what happens in another channel changes nothing here. */
export function createConversation(channel: Channel, seed: Random, agenda: Agenda): Conversation {
  const { url, crowd } = channel
  const random = seed.fork(`acts ${url}`)
  const words = seed.fork(`words ${url}`)
  const hashes = seed.fork(`hashes ${url}`)
  const spontaneous = (channel.castsPerDay * (1 - channel.ratio)) / DAY
  const level = createLevel(seed.fork(`level ${url}`))
  const recent: CastId[] = []
  let active: { planted: Planted; effect: Effect }[] = []
  let casts = 0
  let castsBefore = 0
  let usual = 1

  const acting = (time: number) => active.filter(({ planted }) => planted.start <= time && time < planted.end)
  const chance = (p: number): boolean => random.next() < p

  function ratioAt(time: number): number {
    const load = Math.max(casts, castsBefore) / usual
    return acting(time).reduce((own, { effect }) => effect.ratio(own, time, load), channel.ratio)
  }

  function speak(
    time: number,
    parent?: Spoken,
    given?: { fid?: number; link?: string | undefined },
  ): CastMessage {
    casts++
    const id = { fid: given?.fid ?? author(parent), hash: drawHash(hashes) }
    const spoken = { id, answers: parent?.id.fid }
    const attraction = random.gamma(1 / ATTRACTION_VARIANCE, ATTRACTION_VARIANCE)
    for (let n = random.poisson(ratioAt(time) * attraction); n > 0; n--) {
      const at = time + drawDelay(CAST_DELAY, random)
      const under = chance(REPLY_SHARE) ? spoken : undefined
      if (at - time <= LONGEST) agenda.at(at, () => speak(at, under))
    }
    beReactedTo(time, id, attraction)
    if (chance(REMOVED_SHARE.cast)) {
      const at = time + drawDelay(REMOVAL_DELAY, random)
      agenda.at(at, () => ({
        type: 'cast-removed',
        hash: drawHash(hashes),
        fid: id.fid,
        time: at,
        target: id.hash,
      }))
    }
    const { text, urls } = writeText(words, channel.topic, parent !== undefined, given?.link)
    const quotes = recent.length > 0 && words.next() < 0.03 ? [recent[words.int(recent.length)]!] : []
    const mentions = words.next() < 0.08 ? [crowd.draw(words)] : []
    recent.push(id)
    if (recent.length > RECENT) recent.shift()
    const under = parent ? { cast: parent.id } : url === null ? null : { url }
    return { type: 'cast', ...id, time, text, parent: under, urls, quotes, mentions }
  }

  function author(parent: Spoken | undefined): number {
    if (parent?.answers !== undefined && chance(ANSWER_BACK)) return parent.answers
    const fid = crowd.draw(random)
    return fid === parent?.id.fid ? crowd.draw(random) : fid
  }

  /** An account likes, and recasts, a cast once at most. */
  function beReactedTo(time: number, target: CastId, attraction: number): void {
    const done = new Set<string>()
    const audience = (from: number, mean: number): void => {
      for (let n = random.poisson(mean); n > 0; n--) {
        const at = from + drawDelay(REACTION_DELAY, random)
        const kind = chance(RECAST_SHARE) ? 'recast' : 'like'
        const fid = crowd.draw(random)
        if (at - time > LONGEST || done.has(`${kind}${fid}`)) continue
        done.add(`${kind}${fid}`)
        react(at, fid, kind, target)
        if (kind === 'recast') audience(at, PER_RECAST)
      }
    }
    audience(time, channel.reactions * attraction)
  }

  function react(time: number, fid: number, kind: 'like' | 'recast', target: CastId): void {
    agenda.at(time, () => ({ type: 'reaction', hash: drawHash(hashes), fid, time, kind, target }))
    if (!chance(REMOVED_SHARE.reaction)) return
    const at = time + drawDelay(REMOVAL_DELAY, random)
    agenda.at(at, () => ({ type: 'reaction-removed', hash: drawHash(hashes), fid, time: at, kind, target }))
  }

  return {
    plant(planted, bin) {
      active.push({ planted, effect: effectOf(planted) })
      if (planted.type !== 'group') return
      for (const volley of planted.volleys) {
        for (const fid of planted.accounts) {
          const time = volley + SECOND * random.int(planted.spread / SECOND)
          if (time >= bin) agenda.at(time, () => speak(time, undefined, { fid, link: planted.url }))
        }
      }
    },

    begin(bin) {
      active = active.filter(({ planted }) => planted.end > bin)
      castsBefore = casts
      casts = 0
      const rate = spontaneous * channel.cycle(bin) * level(bin)
      usual = Math.max(1, (rate * BASE) / (1 - channel.ratio))
      const step = active.length > 0 ? MINUTE : BASE
      for (let from = bin; from < bin + BASE; from += step) {
        const effects = acting(from)
        const drive = effects.reduce((product, { effect }) => product * effect.drive(from), 1)
        const outside = effects.find(({ planted }) => planted.type === 'burst')?.planted
        for (let n = random.poisson(rate * step * drive); n > 0; n--) {
          const time = from + SECOND * random.int(step / SECOND)
          const link =
            outside?.type === 'burst' && chance((0.7 * (drive - 1)) / drive) ? outside.url : undefined
          agenda.at(time, () => speak(time, undefined, { link }))
        }
      }
    },
  }
}

/** A level that wanders slowly around 1: the log is AR(1) over days, linear between them. */
function createLevel(random: Random): (time: number) => number {
  const step = (from: number): number => 0.8 * from + 0.6 * WANDER * random.normal()
  let today = WANDER * random.normal()
  let tomorrow = step(today)
  let day: number | undefined
  return (time) => {
    const now = Math.floor(time / DAY)
    if (day !== undefined && now > day) {
      today = tomorrow
      tomorrow = step(today)
    }
    day = now
    const passed = time / DAY - now
    return Math.exp(today * (1 - passed) + tomorrow * passed)
  }
}

function drawHash(random: Random): Buffer {
  const hash = Buffer.allocUnsafe(20)
  for (let i = 0; i < 20; i += 4) hash.writeUInt32BE(random.int(0x100000000), i)
  return hash
}
