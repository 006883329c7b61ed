/** Records as tests of the store write them, and ways to read all of a list. */
import { BASE, BASE_SECONDS, HOUR } from '../../common/time.ts'
import type {
  AlertEvent,
  Cast,
  CastRemoved,
  Coverage,
  FcmRecord,
  Measure,
  Signal,
} from '../../schemas/records.ts'
import type { ExportFilter, Page } from './database/questions.ts'
import type { CountRow } from './series/series.ts'
import type { Store } from './store.ts'

export type Input = { key: string; record: FcmRecord }

export const T = Date.UTC(2026, 0, 5)
export const ART = 'https://warpcast.com/~/channel/art'
export const HOSTILE = [
  `'"); DROP TABLE runs; --`,
  'line\nbreak\ttab\r\u2028\u2029',
  '🦊 $1 \\x00 {a,"b\\"} NULL',
  'NUL: \0, lone surrogate: \ud800 end',
  'x'.repeat(10_000),
  Array.from({ length: 2000 }, (_, i) => (i * 7919).toString(36)).join(''),
]
export const encodeCursor = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
/** What UTF-8 and PostgreSQL can't hold is replaced. */
export const held = (text: string) => text.replace('\0', '\ufffd').replace('\ud800', '\ufffd')

export const hash = (n: number): Buffer => {
  const bytes = Buffer.alloc(20)
  bytes.writeUInt32BE(n, 16)
  return bytes
}
export const bin = (key: string, i: number, count: number, covered = 1, masked = false): Input => ({
  key,
  record: {
    type: 'BinClosed',
    start: T + i * BASE,
    seconds: BASE_SECONDS,
    bins: [{ measure: 'casts', count, covered, masked }],
  },
})
export const idle = (key: string, i: number): Input => ({
  key,
  record: { type: 'Idle', measure: 'casts', from: T + i * BASE },
})
export const cast = (key: string, n: number, text: string, more: Partial<Cast> = {}): Input => ({
  key,
  record: {
    type: 'Cast',
    hash: hash(n),
    fid: n,
    time: T + n * 1000,
    clock: 'signed',
    verified: false,
    text,
    parent: null,
    parentUrl: null,
    urls: [],
    quotes: [],
    mentions: [],
    ...more,
  },
})
/** Of cast `n`, by its author unless another is given. */
export const removal = (key: string, n: number, fid = n): Input => ({
  key,
  record: {
    type: 'CastRemoved',
    hash: hash(n + 1e6),
    fid,
    time: T,
    clock: 'signed',
    verified: false,
    target: hash(n),
  } satisfies CastRemoved,
})
export const signal = (key: string, i: number, more: Partial<Signal> = {}): Input => ({
  key,
  record: {
    type: 'Signal',
    measure: 'casts',
    resolution: 300,
    start: T + i * BASE,
    count: i,
    expected: 1 / 3,
    dispersion: 0.1,
    residual: -1e-7,
    variance: 1.0000000000000002,
    autocorrelation: 5e-324,
    rawVariance: 1e21,
    rawAutocorrelation: 0,
    varianceTrend: null,
    autocorrelationTrend: null,
    pVariance: 0.001,
    pAutocorrelation: 0.5,
    p: 0.25,
    score: null,
    decision: 'quiet',
    reason: HOSTILE[0]!,
    settings: 'abcdef01',
    ...more,
  },
})
/** What an alert is about, unless another is given. */
export const SERIES = { type: 'series', measure: 'casts', resolution: 300, start: T } as const
export const alert = (key: string, n: number, sequence: number, more: Partial<AlertEvent> = {}): Input => ({
  key,
  record: {
    type: 'AlertEvent',
    fingerprint: `alert-${n}`,
    sequence,
    event: sequence === 1 ? 'opened' : 'updated',
    kind: 'early-warning',
    severity: 'low',
    time: T + n * HOUR + sequence * BASE,
    openedAt: T + n * HOUR,
    subject: { ...SERIES, start: T + n * HOUR - BASE },
    reason: `reason ${sequence}`,
    evidence: [
      {
        detector: 'early-warning',
        measure: 'casts',
        resolution: 300,
        start: T,
        count: 9,
        expected: 0.1,
        dispersion: 1e-7,
        variance: 2.5,
        autocorrelation: null,
        p: 1e-12,
        score: null,
        reason: HOSTILE[2]!,
      },
    ],
    preset: 'indicators',
    settings: 'abcdef01',
    ...more,
  },
})

/** What a source says of a span. */
export const coverage = (
  key: string,
  status: Coverage['status'],
  from: number,
  to: number,
  { reason = null as string | null, measures = ['posts'] as Measure[] } = {},
): Input => ({
  key,
  record: { type: 'Coverage', status, measures, from, to, reason, partitions: 3 },
})
/** A poll of a channel, or a round (`*`). */
export const polled = (key: string, at: number, requests: number, failed = 0): Input => ({
  key,
  record: {
    ...{
      type: 'Polled',
      at,
      watched: [],
      complete: failed ? [] : ['posts', 'reactions'],
      owed: [],
      requests,
      failed,
    },
    ...{
      error: failed ? `failed at ${at}: ${HOSTILE[3]}` : null,
      next: key === '*' ? at + BASE : null,
    },
  },
})

export const all = async <R>(rows: AsyncIterable<R>): Promise<R[]> => {
  const found: R[] = []
  for await (const row of rows) found.push(row)
  return found
}
export async function allPages<R>(page: (cursor?: string) => Promise<Page<R>>): Promise<R[]> {
  const found: R[] = []
  let cursor: string | undefined
  do {
    const { items, next }: Page<R> = await page(cursor)
    found.push(...items)
    cursor = next ?? undefined
  } while (cursor !== undefined)
  return found
}

/** A row of counts, its bin given by number from `T`. */
export const row = (
  series: string,
  i: number,
  seconds: number,
  count: number,
  covered: number,
  late = 0,
): CountRow => ({
  series,
  start: T + i * BASE,
  seconds,
  count,
  late,
  covered,
})

/** Counts of a run as they are exported: base bins, unless told otherwise. */
export const countsOf =
  (store: Store) =>
  (run: string, filter: Partial<ExportFilter> & { fill?: boolean } = {}): Promise<CountRow[]> =>
    all(store.series.exportCounts({ fill: false, ...filter, run, resolution: filter.resolution ?? 300 }))
