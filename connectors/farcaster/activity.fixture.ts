/** Activity with all that makes trouble: stragglers, gaps, idle times, failing polls. */
import { createHash } from 'node:crypto'
import { BASE, HOUR } from '../../common/time.ts'
import { DEFAULT_START, simulate } from '../../models/simulation/simulate.ts'
import type { Placed } from '../../pipeline/testing/pipeline.ts'
import { type Activity, type Coverage, type Measure, NETWORK } from '../../schemas/records.ts'
import { createStamp } from './stamp.ts'

type Keyed = { key: string; record: Activity }
/** A record of a channel, or coverage of the whole source. */
export type Said = Keyed | Omit<Coverage, 'partitions'>

const ALL: Measure[] = ['posts', 'replies', 'reactions']
const coverage = (
  status: Coverage['status'],
  from: number,
  to: number,
  measures = ALL,
): Omit<Coverage, 'partitions'> => ({
  ...{ type: 'Coverage', status, measures, from, to, reason: status === 'gap' ? 'away' : null },
})

/** Chance of `name`, 0 to 1, the same each time. */
const chance = (name: string): number => createHash('sha256').update(name).digest().readUInt32BE() / 2 ** 32

/** What one sees who sees all: stragglers, a channel that falls idle and wakes, a gap while it is. Bin by bin. */
export function* whole(): Generator<Said[]> {
  const { stamp } = createStamp()
  const late = new Map<number, Keyed[]>()
  let silent: string | undefined
  let bin = 0
  for (const { start, messages } of simulate({ seed: 1, liveAt: DEFAULT_START + 30 * BASE })) {
    const records: Keyed[] = late.get(bin) ?? []
    for (const message of messages) {
      const { channel, record } = stamp(message)
      silent ??= channel.startsWith('http') ? channel : undefined
      if (channel === silent && bin > 12 && bin < 420) continue
      const keyed = { key: channel, record: record as Activity }
      const isLate = 'hash' in message && chance(message.hash.toString('hex')) < 0.02
      if (isLate) late.set(bin + 3, [...(late.get(bin + 3) ?? []), keyed])
      else records.push(keyed)
    }
    yield [...records, coverage(bin >= 380 && bin < 386 ? 'gap' : 'complete', start, start + BASE)]
    if (++bin > 460) return
  }
}

/** What one sees who polls: posts at once, replies and reactions an hour later, counts of reactions, and a channel that fails. */
export function* polled(): Generator<Said[]> {
  const channels = ['tea', 'art', 'sport', 'quiet'].map((name) => `https://example.org/${name}`)
  const cast = (key: string, time: number, name: string, isReply: boolean): Keyed => ({
    key,
    record: {
      ...{ type: 'Cast', hash: createHash('sha1').update(name).digest(), fid: Math.floor(chance(name) * 40) },
      ...{ time, clock: 'signed', verified: false, text: '', urls: [], quotes: [], mentions: [] },
      ...{ parent: isReply ? { fid: 1, hash: Buffer.alloc(20) } : null, parentUrl: isReply ? null : key },
    },
  })
  const count = (key: string, time: number, rise: number): Keyed => ({
    key,
    record: {
      ...{ type: 'ReactionCount', time, clock: 'observed', verified: false, kind: 'like', rise },
      ...{ target: { fid: 1, hash: Buffer.alloc(20, key) }, count: rise, saturated: false },
    },
  })
  for (let bin = 0; bin < 460; bin++) {
    const start = DEFAULT_START + bin * BASE
    const out: Said[] = []
    for (const [c, key] of channels.entries()) {
      const isSilent = key.endsWith('quiet') && bin > 20 && bin < 440
      const n = isSilent ? 0 : Math.floor(chance(`${key} ${bin}`) * (bin % 288 > 200 && c === 0 ? 40 : 8))
      for (let i = 0; i < n; i++) {
        out.push(
          cast(key, start + (i * BASE) / n, `${key} ${bin} ${i}`, chance(`reply ${key} ${bin} ${i}`) < 0.4),
        )
      }
      if (bin % 6 === c && !isSilent) out.push(count(key, start + 1, 1 + (bin % 5)))
    }
    for (const [c, key] of channels.entries()) {
      // One is followed no more.
      if (key.endsWith('sport') && bin > 300) continue
      const isAway = c % 2 === 1 && bin >= 330 && bin < 345
      out.push({
        key,
        record: { ...coverage(isAway ? 'gap' : 'covered', start, start + BASE, ['posts']), partitions: 1 },
      })
      if (bin >= 12) {
        const before = start - HOUR
        const rest = coverage('covered', before, before + BASE, ['replies', 'reactions'])
        out.push({ key, record: { ...rest, partitions: 1 } })
      }
      out.push({
        key,
        record: {
          ...{
            type: 'Polled',
            at: start + BASE + 1,
            watched: ALL,
            complete: ['posts'],
            owed: [],
            requests: 3,
          },
          ...{ failed: 0, error: null, next: null },
        },
      })
    }
    out.push(coverage('decided', start, start + BASE, ['posts']))
    if (bin >= 12) out.push(coverage('decided', start - HOUR, start - HOUR + BASE, ['replies', 'reactions']))
    yield out
  }
}

/** As it stands on the topic: what is said of the whole source goes to every partition. */
export const placed = (said: readonly Said[], partitions: number): Placed[] =>
  said.flatMap((one): Placed[] =>
    'key' in one
      ? [one]
      : Array.from({ length: partitions }, (_, partition) => ({
          ...{ key: NETWORK, partition, record: { ...one, partitions } },
        })),
  )
