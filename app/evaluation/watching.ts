/**
 * A whole simulated network, watched: what was warned of in it, and what had been planted. Through the very stages that run
 * in production, without a log between them.
 */
import { BASE, BASE_SECONDS, DAY, SECOND } from '../../common/time.ts'
import { SIMULATION_LIVE, SIMULATION_START, simulation } from '../../connectors/simulation/simulation.ts'
import type { Planted } from '../../models/simulation/planted.ts'
import { groundTruth } from '../../models/simulation/simulate.ts'
import { type DetectOptions, detectStage } from '../../pipeline/stages/detect/detect.ts'
import { driven } from '../../pipeline/testing/drive.ts'
import { type AlertEvent, NETWORK } from '../../schemas/records.ts'
import { countsOf } from './counts.ts'

/** What is opened before is not looked at: habits are learned. */
export const JUDGED_FROM = SIMULATION_START + 4 * DAY
/** Two days after going live, events follow each other faster than in history. */
export const JUDGED_TO = SIMULATION_LIVE + 2 * DAY

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
    for (const { key, record } of await detect.take(counts)) {
      if (record.type === 'AlertEvent' && record.event === 'opened') {
        const { kind, openedAt, subject } = record
        if (subject.type !== 'series') continue
        // The clock of a channel may be ahead of the bin that opened it, and an open bin ahead of the clock.
        const seenTo = Math.min(openedAt, subject.start + subject.resolution * SECOND)
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
export const beforeOf = (p: Planted): number => (p.type === 'cascade' ? p.breakAt : p.end)
