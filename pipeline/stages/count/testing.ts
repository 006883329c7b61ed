/** What a source writes of a channel `c`, and what stage `count` makes of it. */
import { createHash } from 'node:crypto'
import { BASE } from '../../../common/time.ts'
import type { Activity, Coverage, FcmRecord, Measure } from '../../../schemas/records.ts'
import type { InputOf } from '../../runtime/stage.ts'
import { drive, type Output } from '../../testing/drive.ts'
import { countStage } from './count.ts'

export type Input = InputOf<'count'>

export const T0 = Date.UTC(2024, 0, 1)
const ALL: Measure[] = ['posts', 'replies', 'reactions']

let serial = 0
export const hashOf = (name: string | number): Buffer => createHash('sha1').update(String(name)).digest()
const signed = (time: number, fid: number, name?: string) =>
  ({ hash: hashOf(name ?? `#${serial++}`), fid, time, clock: 'signed', verified: false }) as const

export const post = (key: string, time: number, fid = 1, name?: string): Input => ({
  key,
  record: {
    type: 'Cast',
    ...signed(time, fid, name),
    text: '',
    parent: null,
    parentUrl: key,
    urls: [],
    quotes: [],
    mentions: [],
  },
})
export const reply = (key: string, time: number, fid = 1): Input => {
  const { record } = post(key, time, fid)
  return { key, record: { ...record, parent: { fid: 1, hash: hashOf('parent') } } as Activity }
}
export const like = (key: string, time: number): Input => ({
  key,
  record: { type: 'Reaction', ...signed(time, 1), kind: 'like', target: { fid: 1, hash: hashOf('target') } },
})
export const coverage = (
  key: string,
  status: Coverage['status'],
  from: number,
  to: number,
  measures = ALL,
): Input => ({
  key,
  record: {
    type: 'Coverage',
    status,
    measures,
    from,
    to,
    reason: status === 'gap' ? 'hub down' : null,
    partitions: 1,
  },
})
export const complete = (from: number, to: number) => coverage('*', 'complete', from, to)
/** One Coverage for each bin, as a source writes them. */
export const completeBins = (from: number, to: number): Input[] =>
  Array.from({ length: (to - from) / BASE }, (_, i) => complete(from + i * BASE, from + (i + 1) * BASE))

export const of = <T extends FcmRecord['type']>(outputs: Output[], type: T, key = 'c') =>
  outputs.flatMap((o) =>
    o.record.type === type && o.key === key ? [o.record as Extract<FcmRecord, { type: T }>] : [],
  )
export const bin = (outputs: Output[], start: number, measure: Measure, key = 'c') =>
  of(outputs, 'BinClosed', key)
    .flatMap((b) => (b.start === start ? b.bins : []))
    .find((b) => b.measure === measure)
export const run = (inputs: Input[]) => drive(countStage(), inputs)
export const polled = (key: string, at: number): Input => ({
  key,
  record: {
    type: 'Polled',
    at,
    watched: [],
    complete: [],
    owed: [],
    requests: 3,
    failed: 0,
    error: null,
    next: null,
  },
})
