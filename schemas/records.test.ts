import { expect, test } from 'vitest'
import { createCodec, RECORD_TYPES, readSchema } from './codec.ts'
import { type FcmRecord, MEASURES, parseSeries, type RecordType, seriesName } from './records.ts'

const hash = Buffer.alloc(20, 7)
const signed = { hash, fid: 3, time: 1_707_091_500_000, clock: 'signed', verified: true } as const
const bin = { start: 300_000, seconds: 300 } as const
const measured = { measure: 'casts', resolution: 300, start: 300_000 } as const
const target = { fid: 5, hash }

/** One of each type, checked by the compiler; that it is all of its schema is checked below. */
const samples: { [T in RecordType]: Extract<FcmRecord, { type: T }> } = {
  Cast: {
    type: 'Cast',
    ...signed,
    text: 'gm',
    parent: target,
    parentUrl: 'https://example.org',
    urls: ['https://example.org/a'],
    quotes: [target],
    mentions: [1, 2],
  },
  CastRemoved: { type: 'CastRemoved', ...signed, target: hash },
  Reaction: { type: 'Reaction', ...signed, kind: 'like', target },
  ReactionRemoved: { type: 'ReactionRemoved', ...signed, kind: 'recast', target },
  Coverage: {
    type: 'Coverage',
    status: 'gap',
    measures: ['posts', 'replies'],
    from: 1,
    to: 2,
    reason: 'no page reaches back',
    partitions: 8,
  },
  ReactionCount: {
    type: 'ReactionCount',
    time: 1_707_091_500_000,
    clock: 'observed',
    verified: false,
    kind: 'like',
    target,
    count: 50,
    saturated: true,
    rise: 12,
  },
  Polled: {
    type: 'Polled',
    at: 1_707_091_500_000,
    watched: ['posts', 'replies'],
    complete: ['posts'],
    owed: [{ hash, measure: 'replies', since: 1_707_091_200_000 }],
    requests: 9,
    failed: 1,
    error: 'it said no',
    next: 1_707_091_800_000,
  },
  BinClosed: {
    type: 'BinClosed',
    ...bin,
    bins: [{ measure: 'posts', count: 3, covered: 0.5, masked: true }],
  },
  Milestone: { type: 'Milestone', measure: 'posts', ...bin, n: 8, time: 300_005 },
  Idle: { type: 'Idle', measure: 'replies', from: 5 },
  Unknown: { type: 'Unknown', measure: 'reactions', from: 5, to: 6, reason: 'why' },
  Late: { type: 'Late', measure: 'participants', start: 300_000, count: 2 },
  Partial: {
    type: 'Partial',
    ...bin,
    partition: 1,
    partitions: 8,
    sums: [{ measure: 'posts', count: 1, covered: 2, followed: 3 }],
  },
  Signal: {
    type: 'Signal',
    ...measured,
    count: 4,
    expected: 1.5,
    dispersion: 0.25,
    residual: -1.25,
    variance: 1.125,
    autocorrelation: 0.5,
    rawVariance: 9,
    rawAutocorrelation: 0.125,
    varianceTrend: 0.75,
    autocorrelationTrend: -0.75,
    pVariance: 0.01,
    pAutocorrelation: 0.02,
    p: 0.03,
    score: 0.9,
    decision: 'opened',
    reason: 'because',
    settings: 'abc',
  },
  AlertEvent: {
    type: 'AlertEvent',
    fingerprint: 'f00d',
    sequence: 1,
    event: 'opened',
    kind: 'early-warning',
    severity: 'high',
    time: 600_000,
    openedAt: 600_000,
    subject: { type: 'series', ...measured },
    reason: 'because',
    evidence: [
      {
        detector: 'early-warning',
        ...measured,
        count: 9,
        expected: 2.5,
        dispersion: 0.5,
        variance: 2,
        autocorrelation: 0.8,
        p: 0.001,
        score: null,
        reason: 'variance',
      },
    ],
    preset: 'indicators',
    settings: 'abc',
  },
  DeskAction: {
    ...{ type: 'DeskAction', id: 'f0', alert: 'f00d', action: 'acknowledge', by: 'ann', at: 600_000 },
    details: '{}',
  },
}

type Schema = {
  type: string | object
  fields?: { name: string; type: unknown; doc?: string }[]
  [k: string]: unknown
}

/** Every record schema inside `schema`, itself first. */
function recordsIn(schema: unknown): Schema[] {
  if (Array.isArray(schema)) return schema.flatMap(recordsIn)
  if (typeof schema !== 'object' || schema === null) return []
  const { type, items, fields = [] } = schema as Schema
  return [
    ...(type === 'record' ? [schema as Schema] : []),
    ...recordsIn(items),
    ...recordsIn(typeof type === 'object' ? type : null),
    ...fields.flatMap((field) => recordsIn(field.type)),
  ]
}

/** The names of all fields, those of inner records after their outer's; in order of the alphabet. */
const fieldsOf = (value: object): string[] => Object.keys(value).sort()

/** `AlertEvent` differs from its schema: `alert-event.test.ts` holds the two together. */
const PLAIN_TYPES = RECORD_TYPES.filter((type) => type !== 'AlertEvent')
test.each(PLAIN_TYPES)('the type and the schema of %s have the same fields', async (type) => {
  const codec = await createCodec({ register: async () => RECORD_TYPES.length, schema: async () => ({}) })
  const { type: _, ...fields } = samples[type]
  const [outer, ...inner] = recordsIn(readSchema(type))
  expect(fieldsOf(fields)).toEqual(outer!.fields!.map(({ name }) => name).sort())
  const innerValues = Object.values(fields).flatMap((v: unknown) => (Array.isArray(v) ? v[0] : v))
  for (const schema of inner) {
    const names = schema.fields!.map(({ name }) => name).sort()
    const value = innerValues.find((v) => typeof v === 'object' && v && String(fieldsOf(v)) === String(names))
    expect(value, `${type} has a ${schema.name} with the fields ${names}`).toBeDefined()
  }
  expect(codec.encode(samples[type]).length).toBeGreaterThan(5)
})

test.each(RECORD_TYPES)(
  'the schema of %s is named as its type, and says what it and its fields are',
  (type) => {
    const schema = readSchema(type) as Schema
    expect(schema).toMatchObject({ namespace: 'fcm', name: type, type: 'record' })
    expect(schema.doc).toMatch(/Key: /)
    for (const { name, doc } of schema.fields!) expect(doc, `${type}.${name}`).toBeTruthy()
  },
)

test.each(RECORD_TYPES)('the measures in the schema of %s are ours', (type) => {
  const enums = JSON.stringify(readSchema(type)).matchAll(/"name":"Measure","symbols":(\[[^\]]*\])/g)
  for (const [, symbols] of enums) expect(JSON.parse(symbols!)).toEqual(MEASURES)
})

test('a series is named by its measure and its channel', () => {
  expect(seriesName('casts', 'https://a.b:8/c')).toBe('casts:https://a.b:8/c')
  expect(parseSeries('casts:https://a.b:8/c')).toEqual({ measure: 'casts', channel: 'https://a.b:8/c' })
  expect(parseSeries('posts:*')).toEqual({ measure: 'posts', channel: '*' })
  for (const bad of ['', 'casts', 'casts:', ':x', 'likes:x', 'cast:x']) expect(parseSeries(bad)).toBe(null)
})
