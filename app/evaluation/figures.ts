/** Alerts on whole networks held against what was planted: which cascades were warned of before their break, what else was. */
import { HOUR } from '../../common/time.ts'
import { SIMULATION_LIVE } from '../../connectors/simulation/simulation.ts'
import type { Planted } from '../../models/simulation/planted.ts'
import { NETWORK } from '../../schemas/records.ts'
import { beforeOf, JUDGED_FROM, JUDGED_TO, type Opened, type Watched } from './watching.ts'

/** A burst that has so many casts in 5 minutes can be seen by anyone. */
export const SEEN = 10
/** What an event leaves behind is its own for so long. */
const CALMING = 2 * HOUR

export type NetworkFigures = {
  networks: number
  polled: boolean
  days: number
  judgedDays: number
  /** `warned`, `live` and `liveWarned` are of the judged ones. */
  cascades: {
    planted: number
    judged: number
    warned: number
    live: number
    liveWarned: number
    /** Warned of in channels that are not judged by 5 minutes. */
    smallWarned: number
  }
  /** Hours from the moment a warning is told to the break, sorted; of the judged ones. */
  leads: number[]
  /** Early warnings told from the break on while the cascade, or what it leaves behind, was in the channel. */
  late: number
  /** Early warnings that opened while no cascade acted in their channel, by what else did. */
  falseWarnings: Record<'ramp' | 'burst' | 'group' | 'collapse' | 'nothing', number>
  bursts: { planted: number; onset: number; seen: number; seenOnset: number }
  /** Onsets that opened while nothing acted in their channel. */
  falseOnsets: number
  collapses: { planted: number; found: number }
  /** Those that opened while no collapse acted in their channel, calming after anything else included. */
  falseCollapses: number
  /** Of all channels together (`*`): how many, and how many of them while a cascade was building up in any channel. */
  network: Record<'warnings' | 'onsets', { opened: number; building: number }>
}

export function figuresOf(all: readonly Watched[], polled: boolean): NetworkFigures {
  // What began before, or is of use after the end, is not counted; what is told of it is not false for that.
  const planted = all.flatMap(({ planted, opened }) =>
    planted.filter((p) => p.start >= JUDGED_FROM && beforeOf(p) <= JUDGED_TO).map((p) => ({ p, opened })),
  )
  type One = (typeof planted)[number]
  const of = (type: Planted['type']): One[] => planted.filter(({ p }) => p.type === type)
  const first = ({ p, opened }: One, kind: Opened['kind']): Opened | undefined =>
    opened.find(
      (a) =>
        a.kind === kind &&
        a.channel === p.channel &&
        a.seenTo > p.start &&
        (p.type === 'cascade' ? a.toldAt : a.seenTo) < beforeOf(p),
    )
  const has =
    (kind: Opened['kind']) =>
    (one: One): boolean =>
      first(one, kind) !== undefined
  const counted = (of: readonly One[], is: (one: One) => boolean): number => of.filter(is).length
  const cascades = of('cascade')
  const judged = cascades.filter(({ p }) => p.judged)
  const warned = judged.filter(has('early-warning'))
  const isLive = ({ p }: One): boolean => p.start < SIMULATION_LIVE && beforeOf(p) > SIMULATION_LIVE

  const falseWarnings = { ramp: 0, burst: 0, group: 0, collapse: 0, nothing: 0 }
  const network = { warnings: { opened: 0, building: 0 }, onsets: { opened: 0, building: 0 } }
  let [late, falseOnsets, falseCollapses] = [0, 0, 0]
  for (const { planted, opened } of all) {
    for (const { channel, kind, seenTo, toldAt } of opened) {
      if (channel === NETWORK) {
        if (kind === 'collapse') continue
        const together = kind === 'onset' ? network.onsets : network.warnings
        together.opened++
        if (planted.some((p) => p.type === 'cascade' && seenTo > p.start && toldAt < p.breakAt))
          together.building++
        continue
      }
      const acting = planted.filter(
        (p) => p.channel === channel && seenTo > p.start && seenTo < p.end + CALMING,
      )
      const cascade = acting.find((p) => p.type === 'cascade')
      const isLow = acting.some((p) => p.type === 'collapse')
      if (kind === 'onset') falseOnsets += acting.length === 0 ? 1 : 0
      else if (kind === 'collapse') falseCollapses += isLow ? 0 : 1
      else if (cascade) late += toldAt >= beforeOf(cascade) ? 1 : 0
      else {
        const [other] = acting.flatMap(({ type }) => (type === 'cascade' ? [] : type))
        falseWarnings[other ?? 'nothing']++
      }
    }
  }
  const bursts = of('burst')
  const seen = bursts.filter(({ p }) => p.peak >= SEEN)
  const collapses = of('collapse')
  return {
    networks: all.length,
    polled,
    days: sum(all.map(({ days }) => days)),
    judgedDays: sum(all.map(({ judgedDays }) => judgedDays)),
    cascades: {
      planted: cascades.length,
      judged: judged.length,
      warned: warned.length,
      live: counted(judged, isLive),
      liveWarned: counted(warned, isLive),
      smallWarned: counted(cascades, has('early-warning')) - warned.length,
    },
    leads: warned
      .map((one) => (beforeOf(one.p) - first(one, 'early-warning')!.toldAt) / HOUR)
      .sort((a, b) => a - b),
    late,
    falseWarnings,
    bursts: {
      planted: bursts.length,
      onset: counted(bursts, has('onset')),
      seen: seen.length,
      seenOnset: counted(seen, has('onset')),
    },
    falseOnsets,
    collapses: { planted: collapses.length, found: counted(collapses, has('collapse')) },
    falseCollapses,
    network,
  }
}

const sum = (values: number[]): number => values.reduce((total, x) => total + x, 0)
