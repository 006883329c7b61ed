/**
 * Alerts on whole simulated networks, against what was planted in them: which cascades were warned of before their break,
 * and what else was warned of. Through the very stages that run in production, without a log between them.
 */
import { BASE, BASE_SECONDS, DAY, HOUR } from '../common/time.ts'
import { createStamp } from '../connectors/farcaster/stamp.ts'
import { SIMULATION_LIVE, SIMULATION_START, simulation } from '../connectors/simulation/source.ts'
import type { Planted } from '../models/simulation/planted.ts'
import { groundTruth, simulate } from '../models/simulation/simulate.ts'
import type { Input, Stage } from '../pipeline/runtime/stage.ts'
import { countStage } from '../pipeline/stages/count/count.ts'
import { type DetectOptions, detectStage } from '../pipeline/stages/detect/detect.ts'
import { sumStage } from '../pipeline/stages/sum.ts'
import { type AlertEvent, type Coverage, NETWORK } from '../schemas/records.ts'

/** What is opened before is not looked at: habits are learned. */
export const JUDGED_FROM = SIMULATION_START + 4 * DAY
/** Two days after going live, events follow each other faster than in history. */
export const JUDGED_TO = SIMULATION_LIVE + 2 * DAY

/** What stage `detect` reads of a simulated network that is seen whole, bin by bin. */
export async function* countsOf(seed: number, to = JUDGED_TO): AsyncGenerator<Input[]> {
  const { stamp } = createStamp()
  const count = driven(countStage())
  const sum = driven(sumStage())
  for (const { start, messages } of simulate(simulation(seed))) {
    if (start >= to) return
    const activity: Input[] = messages.map((message) => {
      const { channel, record } = stamp(message)
      return { key: channel, record }
    })
    const counts = await count([...activity, { key: NETWORK, record: complete(start) }])
    yield [...counts, ...(await sum(counts.filter(({ key }) => key === NETWORK)))]
  }
}

const complete = (start: number): Coverage => ({
  type: 'Coverage',
  status: 'complete',
  measures: ['posts', 'replies', 'reactions'],
  from: start,
  to: start + BASE,
  reason: null,
  partitions: 1,
})

/** A stage as a function of its next inputs. */
function driven<S>(stage: Stage<S>): (inputs: readonly Input[]) => Promise<Input[]> {
  const state = stage.initial(0)
  return async (inputs) => {
    for (const input of inputs) stage.apply(state, input)
    const outputs: Input[] = []
    await stage.settle(state, (_topic, key, record) => outputs.push({ key, record }))
    return outputs
  }
}

type Opened = { channel: string; kind: AlertEvent['kind']; openedAt: number }

/** What was warned of in one network, and what there was to warn of. */
export type Watched = {
  planted: (Planted & {
    /** Whether the channel was large enough to be judged by 5 minutes, before the break or while the event acted. */
    judged: boolean
    /** Most casts of the channel in 5 minutes while it acted. */
    peak: number
  })[]
  opened: Opened[]
  /** Channel-days in all, and those in which any 5-minute bin of the channel was judged. */
  days: number
  judgedDays: number
}

/** Watches a simulated network with stage `detect`; `onProgress` is told the share, 0-1, that is done. */
export async function watchNetwork(
  seed: number,
  options: Omit<DetectOptions, 'run'>,
  onProgress: (share: number) => void = () => {},
): Promise<Watched> {
  const planted = groundTruth(simulation(seed), JUDGED_TO)
    .filter((p) => p.start >= JUDGED_FROM && beforeOf(p) <= JUDGED_TO)
    .map((p) => ({ ...p, judged: false, peak: 0 }))
  const byChannel = Map.groupBy(planted, ({ channel }) => channel)
  const detect = driven(detectStage({ ...options, run: `network ${seed}` }))
  const opened: Opened[] = []
  const channels = new Set<string>()
  const judgedDays = new Set<string>()
  let time = SIMULATION_START
  for await (const counts of countsOf(seed)) {
    time += BASE
    onProgress((time - SIMULATION_START) / (JUDGED_TO - SIMULATION_START))
    for (const { key, record } of counts) {
      if (record.type !== 'BinClosed' || key === NETWORK) continue
      channels.add(key)
      const casts = record.bins.find(({ measure }) => measure === 'casts')?.count ?? 0
      for (const p of byChannel.get(key) ?? []) {
        if (record.start >= p.start && record.start < p.end) p.peak = Math.max(p.peak, casts)
      }
    }
    for (const { key, record } of await detect(counts)) {
      if (key === NETWORK) continue
      if (record.type === 'AlertEvent') {
        const { kind, openedAt, event } = record
        if (event === 'opened' && openedAt >= JUDGED_FROM) opened.push({ channel: key, kind, openedAt })
      } else if (record.type === 'Signal' && record.p !== null && record.resolution === BASE_SECONDS) {
        if (record.start >= JUDGED_FROM) judgedDays.add(`${Math.floor(record.start / DAY)} ${key}`)
        for (const p of byChannel.get(key) ?? []) {
          if (record.start >= p.start && record.start < beforeOf(p)) p.judged = true
        }
      }
    }
  }
  const days = (channels.size * (JUDGED_TO - JUDGED_FROM)) / DAY
  return { planted, opened, days, judgedDays: judgedDays.size }
}

/** Until when a warning of it is of use. */
const beforeOf = (p: Planted): number => (p.type === 'cascade' ? p.breakAt : p.end)

/** A burst that has so many casts in 5 minutes can be seen by anyone. */
export const SEEN = 10

export type NetworkFigures = {
  networks: number
  days: number
  judgedDays: number
  cascades: { planted: number; judged: number; warned: number; live: number; liveWarned: number }
  /** Hours from the warning to the break, sorted. */
  leads: number[]
  /** Early warnings that opened while no cascade acted in their channel, by what else did. */
  falseWarnings: Record<'ramp' | 'burst' | 'group' | 'collapse' | 'nothing', number>
  bursts: { planted: number; onset: number; seen: number; seenOnset: number }
  /** Onsets that opened while nothing acted in their channel. */
  falseOnsets: number
  collapses: { planted: number; found: number }
}

export function figuresOf(all: readonly Watched[]): NetworkFigures {
  const planted = all.flatMap(({ planted, opened }) => planted.map((p) => ({ p, opened })))
  const of = <T extends Planted['type']>(type: T) => planted.filter(({ p }) => p.type === type)
  type One = (typeof planted)[number]
  const first = ({ p, opened }: One, kind: Opened['kind']): Opened | undefined =>
    opened.find(
      (a) => a.kind === kind && a.channel === p.channel && a.openedAt >= p.start && a.openedAt < beforeOf(p),
    )
  const counted = (of: readonly One[], is: (one: One) => boolean): number => of.filter(is).length
  const cascades = of('cascade')
  const warned = cascades.filter((one) => first(one, 'early-warning'))
  const isLive = ({ p }: One): boolean => p.start < SIMULATION_LIVE && beforeOf(p) > SIMULATION_LIVE
  const falseWarnings = { ramp: 0, burst: 0, group: 0, collapse: 0, nothing: 0 }
  let falseOnsets = 0
  for (const { planted, opened } of all) {
    for (const { channel, kind, openedAt } of opened) {
      const acting = planted.filter(
        (p) => p.channel === channel && openedAt >= p.start && openedAt < p.end + CALMING,
      )
      const types = acting.map(({ type }) => type)
      if (kind === 'onset' && acting.length === 0) falseOnsets++
      if (kind !== 'early-warning' || types.includes('cascade')) continue
      const [other] = types.filter((type) => type !== 'cascade')
      falseWarnings[other ?? 'nothing']++
    }
  }
  const bursts = of('burst')
  const isSeen = ({ p }: One): boolean => p.peak >= SEEN
  const collapses = of('collapse')
  return {
    networks: all.length,
    days: sum(all.map(({ days }) => days)),
    judgedDays: sum(all.map(({ judgedDays }) => judgedDays)),
    cascades: {
      planted: cascades.length,
      judged: counted(cascades, ({ p }) => p.judged),
      warned: warned.length,
      live: counted(cascades, isLive),
      liveWarned: counted(warned, isLive),
    },
    leads: warned
      .map((one) => (beforeOf(one.p) - first(one, 'early-warning')!.openedAt) / HOUR)
      .sort((a, b) => a - b),
    falseWarnings,
    bursts: {
      planted: bursts.length,
      onset: counted(bursts, (one) => first(one, 'onset') !== undefined),
      seen: counted(bursts, isSeen),
      seenOnset: counted(bursts, (one) => isSeen(one) && first(one, 'onset') !== undefined),
    },
    falseOnsets,
    collapses: {
      planted: collapses.length,
      found: counted(collapses, (one) => first(one, 'collapse') !== undefined),
    },
  }
}

/** What an event leaves behind is its own for so long. */
const CALMING = 2 * HOUR
const sum = (values: number[]): number => values.reduce((total, x) => total + x, 0)

/** The figures in words, as `fcm evaluate --networks` prints them. */
export function networkReport(f: NetworkFigures): string {
  const of = (n: number, all: number): string =>
    `${n} of ${all}${all > 0 ? ` (${Math.round((100 * n) / all)} %)` : ''}`
  const at = (share: number): string => f.leads[Math.floor(share * (f.leads.length - 1))]?.toFixed(1) ?? '-'
  const { ramp, burst, group, collapse, nothing } = f.falseWarnings
  const falseWarnings = ramp + burst + group + collapse + nothing
  const rate = (n: number, days: number): string => (days > 0 ? (n / days).toFixed(3) : '-')
  return [
    `${f.networks} networks, ${Math.round(f.days)} channel-days, ${f.judgedDays} of them judged by 5 minutes.`,
    '',
    `Cascades warned of before their break:   ${of(f.cascades.warned, f.cascades.judged)} in channels large enough to be judged; ${f.cascades.planted} planted`,
    `  those under way when live time begins: ${of(f.cascades.liveWarned, f.cascades.live)}`,
    `  lead time:                             median ${at(0.5)} h, quartiles ${at(0.25)} and ${at(0.75)} h`,
    `False early warnings:                    ${falseWarnings}, ${rate(falseWarnings, f.judgedDays)} per judged channel-day (budget 0.05)`,
    `  of these during:                       ramps ${ramp}, bursts ${burst}, groups ${group}, collapses ${collapse}, nothing ${nothing}`,
    `Bursts from outside told as onset:       ${of(f.bursts.seenOnset, f.bursts.seen)} that reach ${SEEN} casts in 5 minutes; ${of(f.bursts.onset, f.bursts.planted)} of all`,
    `Onsets while nothing was planted:        ${f.falseOnsets}, ${rate(f.falseOnsets, f.days)} per channel-day`,
    `Collapses found:                         ${of(f.collapses.found, f.collapses.planted)}`,
    '',
  ].join('\n')
}
