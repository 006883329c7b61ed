/** What a batch of records has for each table. */
import { BASE, BASE_SECONDS } from '../../../common/time.ts'
import type {
  AlertEvent,
  Cast,
  CastRemoved,
  Coverage,
  DeskAction,
  FcmRecord,
  Late,
  Measure,
  Polled,
  Signal,
  Unknown,
} from '../../../schemas/records.ts'
import { nameOf } from '../database/channel-name.ts'
import type { Timeline } from '../series/timeline.ts'

export type Input = { key: string; record: FcmRecord }

/** A series' row, and its timeline as the database has it. */
export type SeriesEntry = { id: number; line: Timeline }

/** Another process moved on a series that is remembered here, or deleted it, or the run. What is remembered is read again. */
export class Stale extends Error {}

export type Keyed<R> = { key: string; record: R }
export type Gap = { key: string; measure: Measure; from: number; to: number; reason: string | null }
/** In the order of the records: a bin of one series, or that it is idle from there on. */
export type Timed = {
  key: string
  measure: Measure
  bin: number
  value: { count: number; covered: number; masked: boolean } | 'idle'
}

/** Why the tables can't hold a record; null: they can. */
function unfit(record: FcmRecord): string | null {
  switch (record.type) {
    case 'BinClosed':
      if (record.seconds !== BASE_SECONDS) return `a bin of ${record.seconds} s is no base bin`
      return offGrid(record.start)
    case 'Idle':
      return offGrid(record.from)
    case 'DeskAction':
      return record.details.length > MOST_DETAILS
        ? `details of ${record.details.length} characters: ${MOST_DETAILS} are the most`
        : null
    default:
      return null
  }
}

/** Of what a person did, in characters. */
const MOST_DETAILS = 16_384

const INT4_MAX = 2 ** 31 - 1

function offGrid(time: number): string | null {
  const bin = time / BASE
  if (!Number.isInteger(bin)) return `a bin begins off the grid, at ${time} ms`
  return bin < 0 || bin >= INT4_MAX ? `no bin of this age begins at ${time} ms` : null
}

export function sortOut(records: readonly Input[]) {
  const batch = {
    /** Records that the tables can't hold, by their place among `records`. */
    rejected: [] as { index: number; why: string }[],
    /** Channels and their series that the rows will refer to. */
    channels: new Map<string, Set<Measure>>(),
    casts: [] as Keyed<Cast>[],
    removals: [] as CastRemoved[],
    gaps: [] as Gap[],
    coverages: [] as Keyed<Coverage>[],
    polls: [] as Keyed<Polled>[],
    timed: [] as Timed[],
    unknowns: [] as Keyed<Unknown>[],
    lates: [] as Keyed<Late>[],
    signals: [] as Keyed<Signal>[],
    alerts: [] as Keyed<AlertEvent>[],
    actions: [] as DeskAction[],
  }
  const refer = (key: string, measure?: Measure) => {
    const measures = batch.channels.get(key) ?? new Set<Measure>()
    batch.channels.set(key, measures)
    if (measure) measures.add(measure)
  }

  for (const [index, input] of records.entries()) {
    const { record } = input
    const why = unfit(record)
    if (why !== null) {
      batch.rejected.push({ index, why })
      continue
    }
    const key = nameOf(input.key)
    switch (record.type) {
      case 'Cast':
        refer(key)
        batch.casts.push({ key, record })
        break
      case 'CastRemoved':
        batch.removals.push(record)
        break
      case 'Coverage':
        refer(key)
        batch.coverages.push({ key, record })
        if (record.status !== 'gap') break
        for (const measure of record.measures) {
          batch.gaps.push({ key, measure, from: record.from, to: record.to, reason: record.reason })
        }
        break
      case 'Polled':
        refer(key)
        batch.polls.push({ key, record })
        break
      case 'BinClosed':
        for (const { measure, count, covered, masked } of record.bins) {
          refer(key, measure)
          batch.timed.push({ key, measure, bin: record.start / BASE, value: { count, covered, masked } })
        }
        break
      case 'Idle':
        refer(key, record.measure)
        batch.timed.push({ key, measure: record.measure, bin: record.from / BASE, value: 'idle' })
        break
      case 'Unknown':
        refer(key, record.measure)
        batch.unknowns.push({ key, record })
        break
      case 'Late':
        refer(key, record.measure)
        batch.lates.push({ key, record })
        break
      case 'Signal':
        refer(key, record.measure)
        batch.signals.push({ key, record })
        break
      case 'AlertEvent':
        // Its counts may be stored later than the alert, but whoever reads it may ask for them at once.
        refer(key, record.subject.type === 'series' ? record.subject.measure : undefined)
        batch.alerts.push({ key, record })
        break
      case 'DeskAction':
        batch.actions.push(record)
        break
      // Reactions are counted, not kept; milestones and partial sums are steps on the way to a bin.
      case 'Reaction':
      case 'ReactionRemoved':
      case 'ReactionCount':
      case 'Milestone':
      case 'Partial':
        break
    }
  }
  return batch
}

export type ChannelId = (key: string) => number
export type SeriesOf = (key: string, measure: Measure) => SeriesEntry

/** The first, or the last, of those with equal identity: one statement can't touch a row twice. */
export function distinct<T>(
  items: readonly T[],
  identity: (item: T) => string,
  better?: (a: T, b: T) => boolean,
): T[] {
  const kept = new Map<string, T>()
  for (const item of items) {
    const id = identity(item)
    const before = kept.get(id)
    if (before === undefined || better?.(item, before)) kept.set(id, item)
  }
  return [...kept.values()]
}
