/** A small network to be polled, and what a log must never say of it. */
import { expect } from 'vitest'
import { HOUR, LATENESS } from '../../../common/time.ts'
import { networkOf, simulateChannels } from '../../../models/simulation/simulate.ts'
import { topicOf } from '../../../pipeline/topology.ts'
import { createCodec } from '../../../schemas/codec.ts'
import type { Message } from '../../../schemas/message.ts'
import type { Activity, Coverage } from '../../../schemas/records.ts'
import { publish } from '../../sources/publish.ts'
import { writtenIn } from '../../sources/written.ts'
import { completeBins } from '../completeness.ts'
import { type MemoryLog, memoryLog, memoryRegistry } from '../fixtures.ts'
import { wholeSource } from '../whole.ts'
import { idOf, type Limits } from './memory.ts'
import { type PollOptions, pollingSource } from './poll.ts'
import { rebuild } from './rebuild.ts'
import { WATCHED } from './schedule.ts'

export const RUN = 'live'
const ACTIVITY = topicOf(RUN, 'activity')
export const codec = await createCodec(memoryRegistry())
export const newLog = (partitions = 2) => memoryLog([ACTIVITY, topicOf(RUN, 'dead-letters')], partitions)

/** Half a day of a network of four channels, and the time at which polling begins. */
export const SEED = 3
export const START = Date.UTC(2026, 0, 5)
export const LIVE = START + 6 * HOUR
export const END = START + 14 * HOUR
const channels = networkOf(SEED)
  .filter(({ url }) => url !== null)
  .slice(2, 6)
export const urls = channels.map(({ url }) => url!).sort()
export const bins = (() => {
  const all = []
  for (const bin of simulateChannels(SEED, START, channels, [])) {
    if (bin.start >= END) return all
    all.push(bin)
  }
  return all
})()
export const messages = bins.flatMap((bin) => bin.messages)

/** Polls until the end or the signal. */
export const pollInto = (log: MemoryLog, options: PollOptions, signal?: AbortSignal) =>
  publish({ log, codec, run: RUN, open: pollingSource(options), signal, onWarning: options.onWarning })

/** What a source that is opened on the log knows. */
export const rebuilt = async (log: MemoryLog, limits?: Limits) =>
  rebuild(await writtenIn(log, codec, RUN), limits)

/** The half day before `LIVE`, by a source that sees everything. */
export const history = (log: MemoryLog) =>
  publish({
    ...{ log, codec, run: RUN },
    open: wholeSource({ input: completeBins(bins.filter(({ start }) => start < LIVE)) }),
  })

type Item = { key: string; record: Activity }
export const items = (log: MemoryLog): Item[][] =>
  log.records
    .get(ACTIVITY)!
    .map((partition) =>
      partition.map(({ key, value }) => ({ key, record: codec.decode(value!) as Activity })),
    )
/** The records of a type, by partition, in order. */
export const recordsOf = <T extends Activity['type']>(log: MemoryLog, type: T) =>
  items(log)
    .flat()
    .filter(
      (item): item is { key: string; record: Extract<Activity, { type: T }> } => item.record.type === type,
    )

/** What the log has of a partition, in order, without repeats. */
export const distinct = (log: MemoryLog): string[][] =>
  log.records
    .get(ACTIVITY)!
    .map((partition) => [
      ...new Set(partition.map(({ key, value }) => `${key} ${JSON.stringify(codec.decode(value!))}`)),
    ])

/**
 * Messages that lie in time that the log says is covered and that weren't in it by then: what must never be. Casts that
 * came under one older than a day are unwatched; what came later than L is outside the promise.
 */
export function broken(
  log: MemoryLog,
  delay: (m: Message) => number = () => 0,
): { checked: number; missing: string[] } {
  const casts = new Map(messages.flatMap((m) => (m.type === 'cast' ? [[idOf(m.hash), m] as const] : [])))
  const channelOf = (id: string): string => {
    const parent = casts.get(id)?.parent
    return parent && 'url' in parent ? parent.url : parent ? channelOf(idOf(parent.cast.hash)) : '_'
  }
  const isWatched = (time: number, target: string): boolean => {
    const cast = casts.get(target)
    if (!cast || time - cast.time > WATCHED) return false
    return !cast.parent || 'url' in cast.parent || isWatched(cast.time, idOf(cast.parent.cast.hash))
  }
  const missing: string[] = []
  let checked = 0
  for (const partition of items(log)) {
    const seen = new Map<string, number>()
    partition.forEach(({ record }, i) => {
      if ((record.type === 'Cast' || record.type === 'Reaction') && !seen.has(idOf(record.hash)))
        seen.set(idOf(record.hash), i)
    })
    partition.forEach(({ key, record }, i) => {
      if (record.type !== 'Coverage' || record.status !== 'covered') return
      for (const m of messages) {
        if (m.time < record.from || m.time >= record.to || delay(m) > LATENESS) continue
        if (m.type !== 'cast' && m.type !== 'reaction') continue
        const parent = m.type === 'cast' ? m.parent : { cast: m.target }
        const under = parent && 'cast' in parent ? parent.cast : null
        const target = under && idOf(under.hash)
        const measure = m.type === 'reaction' ? 'reactions' : target ? 'replies' : 'posts'
        if (!record.measures.includes(measure)) continue
        if (channelOf(target ?? idOf(m.hash)) !== key) continue
        if (target !== null && !isWatched(m.time, target)) continue
        checked++
        if ((seen.get(idOf(m.hash)) ?? Number.POSITIVE_INFINITY) > i)
          missing.push(`${measure} ${key} ${m.time}`)
      }
    })
  }
  return { checked, missing }
}

/** The spans of a channel and measure, joined; they must follow one another without overlap. */
export function spans(log: MemoryLog, key: string, measure: Coverage['measures'][number]) {
  const out: { status: string; from: number; to: number }[] = []
  for (const { key: k, record } of recordsOf(log, 'Coverage')) {
    if (k !== key || !record.measures.includes(measure)) continue
    const last = out.at(-1)
    if (last) expect(record.from).toBe(last.to)
    if (last?.status === record.status) last.to = record.to
    else out.push({ status: record.status, from: record.from, to: record.to })
  }
  return out
}
