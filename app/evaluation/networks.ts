/**
 * Alerts on whole simulated networks, against what was planted in them: which cascades were warned of before their break,
 * and what else was warned of. Through the very stages that run in production, without a log between them.
 */
import { BASE, BASE_SECONDS, DAY, HOUR, SECOND } from '../../common/time.ts'
import { createStamp } from '../../connectors/farcaster/stamp.ts'
import { SIMULATION_LIVE, SIMULATION_START, simulation } from '../../connectors/simulation/source.ts'
import type { Planted } from '../../models/simulation/planted.ts'
import { groundTruth, simulate } from '../../models/simulation/simulate.ts'
import type { Input, InputOf, Stage } from '../../pipeline/runtime/stage.ts'
import { countStage } from '../../pipeline/stages/count/count.ts'
import { type DetectOptions, detectStage } from '../../pipeline/stages/detect/detect.ts'
import { sumStage } from '../../pipeline/stages/sum.ts'
import type { StageRole } from '../../pipeline/topology.ts'
import { type AlertEvent, type Coverage, type Measure, NETWORK } from '../../schemas/records.ts'

/** What is opened before is not looked at: habits are learned. */
export const JUDGED_FROM = SIMULATION_START + 4 * DAY
/** Two days after going live, events follow each other faster than in history. */
export const JUDGED_TO = SIMULATION_LIVE + 2 * DAY

/** What stage `detect` reads of a simulated network, bin by bin: as one sees it who sees all at once, or who polls. */
export async function* countsOf(seed: number, to = JUDGED_TO, polled = false): AsyncGenerator<Input[]> {
  const { stamp } = createStamp()
  const count = driven(countStage())
  const sum = driven(sumStage())
  const ordered = polled ? pollingOrder() : (inputs: Input[]) => inputs
  for (const { start, messages } of simulate(simulation(seed))) {
    if (start >= to) return
    const activity: Input[] = messages.map((message) => {
      const { channel, record } = stamp(message)
      return { key: channel, record }
    })
    const counts = await count([...activity, { key: NETWORK, record: complete(start) }])
    const isPartial = ({ record }: Input) => record.type === 'Partial'
    const own = counts.filter((input) => !isPartial(input))
    yield ordered([...own, ...(await sum(counts.filter(isPartial)))])
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

/**
 * In which records a polling source closes measures, and how many bins late: replies and reactions are learned by asking for
 * each cast, hourly in the end, so that bins of them are known an hour and the allowed lateness after they are over.
 */
const POLLED: readonly { measures: readonly Measure[]; late: number }[] = [
  { measures: ['posts'], late: 0 },
  { measures: ['replies', 'casts', 'participants'], late: 14 },
  { measures: ['reactions'], late: 14 },
]

/** Puts counts, given bin by bin as one sees them who sees all at once, into the order in which a polling source makes them. */
export function pollingOrder(): (inputs: readonly Input[]) => Input[] {
  const waiting = POLLED.map(({ late }) => Array.from({ length: late }, (): Input[] => []))
  return (inputs) => {
    const now: Input[] = []
    const parts = POLLED.map((): Input[] => [])
    for (const { key, record } of inputs) {
      if (record.type === 'BinClosed') {
        for (const [i, { measures }] of POLLED.entries()) {
          const bins = record.bins.filter(({ measure }) => measures.includes(measure))
          if (bins.length > 0) parts[i]!.push({ key, record: { ...record, bins } })
        }
      } else if (record.type === 'Idle' || record.type === 'Unknown') {
        parts[POLLED.findIndex(({ measures }) => measures.includes(record.measure))]!.push({ key, record })
      } else now.push({ key, record })
    }
    for (const [i, queue] of waiting.entries()) {
      queue.push(parts[i]!)
      now.push(...queue.shift()!)
    }
    return now
  }
}

/** A stage as a function of its next inputs. */
function driven<Name extends StageRole, S>(
  stage: Stage<Name, S>,
): (inputs: readonly Input[]) => Promise<Input[]> {
  const state = stage.initial(0)
  return async (inputs) => {
    for (const input of inputs) stage.apply(state, input as InputOf<Name>)
    const outputs: Input[] = []
    await stage.settle(state, (...[, key, record]) => outputs.push({ key, record }))
    return outputs
  }
}

/** An alert: in ms, the end of what it rests on, and when the record that opened it came. */
export type Opened = { channel: string; kind: AlertEvent['kind']; seenTo: number; toldAt: number }

/** What was warned of in one network, and what there was to warn of. */
export type Watched = {
  planted: (Planted & {
    /** Whether the channel was large enough to be judged by 5 minutes, before the break or while the event acted. */
    judged: boolean
    /** Most casts of the channel in 5 minutes while it acted. */
    peak: number
  })[]
  /** In channels, and (`*`) in all of them taken together. */
  opened: Opened[]
  /** Channel-days in all, and those in which any 5-minute bin of the channel was judged. */
  days: number
  judgedDays: number
}

export type WatchOptions = Omit<DetectOptions, 'run'> & { polled: boolean }

/** Watches a simulated network with stage `detect`; `onProgress` is told the share, 0-1, that is done. */
export async function watchNetwork(
  seed: number,
  { polled, ...options }: WatchOptions,
  onProgress: (share: number) => void = () => {},
): Promise<Watched> {
  const planted = groundTruth(simulation(seed), JUDGED_TO).map((p) => ({ ...p, judged: false, peak: 0 }))
  const byChannel = Map.groupBy(planted, ({ channel }) => channel)
  const detect = driven(detectStage({ ...options, run: `network ${seed}` }))
  const opened: Opened[] = []
  const channels = new Set<string>()
  const judgedDays = new Set<string>()
  let time = SIMULATION_START
  for await (const counts of countsOf(seed, JUDGED_TO, polled)) {
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
      if (record.type === 'AlertEvent' && record.event === 'opened') {
        const { kind, openedAt, start, resolution } = record
        // The clock of a channel may be ahead of the bin that opened it, and an open bin ahead of the clock.
        const seenTo = Math.min(openedAt, start + resolution * SECOND)
        if (seenTo >= JUDGED_FROM) opened.push({ channel: key, kind, seenTo, toldAt: time })
      } else if (record.type === 'Signal' && record.p !== null && record.resolution === BASE_SECONDS) {
        if (key === NETWORK) continue
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

/** The figures in words, as `fcm evaluate --networks` prints them. */
export function networkReport(f: NetworkFigures): string {
  const of = (n: number, all: number): string =>
    `${n} of ${all}${all > 0 ? ` (${Math.round((100 * n) / all)} %)` : ''}`
  const at = (share: number): string => f.leads[Math.floor(share * (f.leads.length - 1))]?.toFixed(1) ?? '-'
  const rate = (n: number, days: number): string => (days > 0 ? (n / days).toFixed(3) : '-')
  const { cascades, bursts, collapses, network } = f
  const { ramp, burst, group, collapse, nothing } = f.falseWarnings
  const falseWarnings = ramp + burst + group + collapse + nothing
  const source = f.polled
    ? 'one that polls: posts at once, replies and reactions 70 minutes late'
    : 'one that sees all at once'
  const together = ({ opened, building }: { opened: number; building: number }): string =>
    `${opened}, ${building} of them while a cascade was building up in any channel`
  const line = (what: string, text: string): string => `${`${what}:`.padEnd(41)}${text}`
  return [
    `${f.networks} networks, ${Math.round(f.days)} channel-days, ${f.judgedDays} of them judged by 5 minutes. Source: ${source}.`,
    '',
    line(
      'Cascades warned of before their break',
      `${of(cascades.warned, cascades.judged)} in channels large enough to be judged`,
    ),
    line('  under way when live time begins', of(cascades.liveWarned, cascades.live)),
    line('  in smaller channels', of(cascades.smallWarned, cascades.planted - cascades.judged)),
    line(
      '  lead time',
      `median ${at(0.5)} h, quartiles ${at(0.25)} and ${at(0.75)} h: hours from the moment it is told to the break`,
    ),
    line('  opened after the break', `${f.late} early warnings, neither in time nor false`),
    line(
      'False early warnings',
      `${falseWarnings}, ${rate(falseWarnings, f.judgedDays)} per judged channel-day (budget 0.05)`,
    ),
    line(
      '  of these during',
      `ramps ${ramp}, bursts ${burst}, groups ${group}, collapses ${collapse}, nothing ${nothing}`,
    ),
    line(
      'Bursts from outside told as onset',
      `${of(bursts.seenOnset, bursts.seen)} that reach ${SEEN} casts in 5 minutes; ${of(bursts.onset, bursts.planted)} of all`,
    ),
    line(
      'Onsets while nothing was planted',
      `${f.falseOnsets}, ${rate(f.falseOnsets, f.days)} per channel-day`,
    ),
    line('Collapses found', of(collapses.found, collapses.planted)),
    line(
      'Collapses while none was planted',
      `${f.falseCollapses}, ${rate(f.falseCollapses, f.days)} per channel-day`,
    ),
    line('Over all channels (*), early warnings', together(network.warnings)),
    line('Over all channels (*), onsets', together(network.onsets)),
    '',
  ].join('\n')
}
