import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import avro from 'avsc'
import { expect, onTestFinished, test } from 'vitest'
import { toWire } from './alert-event.ts'
import { VERSION_1 } from './alert-event-1.fixture.ts'
import { createCodec, readSchema } from './codec.ts'
import { openFileRegistry } from './file-registry.ts'
import { type AlertEvent, type Evidence, kindOrder, pOf, type Subject, scoreOf } from './records.ts'
import type { SchemaRegistry } from './registry.ts'

const bin = { measure: 'casts', resolution: 300, start: 300_000 } as const
const figures = { ...bin, count: 9, expected: 2.5, dispersion: 0.5, p: 0.001, reason: 'because' }
const indicators = { variance: 2, autocorrelation: 0.8 }
const subjects: { [T in Subject['type']]: Subject & { type: T } } = {
  series: { type: 'series', ...bin },
  channel: { type: 'channel' },
  cluster: { type: 'cluster', id: 'c', accounts: [1, 2], size: 3 },
  community: { type: 'community', id: 'd', size: 4 },
}
const evidence: Record<string, Evidence> = {
  EarlyWarningEvidence: { detector: 'early-warning', ...figures, ...indicators, score: 0.9 },
  OnsetEvidence: { detector: 'onset', ...figures },
  CollapseEvidence: { detector: 'collapse', ...figures, ...indicators },
  PlainEvidence: { detector: 'any', figures: [{ name: 'z', value: 3 }], reason: 'because' },
}
const common = {
  ...{ fingerprint: 'f00d', sequence: 1, time: 600_000, openedAt: 600_000 },
  ...({
    event: 'opened',
    severity: 'high',
    reason: 'because',
    preset: 'calibrated',
    settings: 'abc',
  } as const),
}
const event = (more: Partial<AlertEvent>): AlertEvent => ({
  ...{ type: 'AlertEvent', ...common, kind: 'onset', subject: subjects.channel, evidence: [] },
  ...more,
})

/** A registry that has the schema of version 1 as id 1. */
const registry = (): SchemaRegistry => {
  const schemas: object[] = [VERSION_1]
  return {
    register: async (_, schema) => schemas.push(schema),
    schema: async (id) => schemas[id - 1]!,
  }
}
const written = avro.Type.forSchema(VERSION_1 as avro.Schema)
/** As a process of version 1 wrote it. */
const version1 = (record: object): Buffer =>
  Buffer.concat([Buffer.of(0, 0, 0, 0, 1), written.toBuffer(record)])

test.each(Object.values(subjects))('about a $type', async (subject) => {
  const codec = await createCodec(registry())
  const record = event({ subject, evidence: Object.values(evidence) })
  expect(codec.decode(codec.encode(record))).toEqual(record)
})

test('the schema has a branch for each subject and for each evidence, with the fields of its type', () => {
  type Fields = { name: string; type: unknown }[]
  const { fields } = readSchema('AlertEvent') as { fields: Fields }
  const branches = (name: string): { name: string; fields: Fields }[] => {
    const { type } = fields.find((field) => field.name === name)!
    return (Array.isArray(type) ? type : (type as { items: [] }).items).filter(
      (one: unknown) => one !== 'null',
    )
  }
  const found = [...branches('subject'), ...branches('evidence')].map(
    ({ name, fields: own }) => [name, own.map((field) => field.name).sort()] as const,
  )
  const own = (value: object, without?: string) =>
    Object.keys(value)
      .filter((name) => name !== without)
      .sort()
  const named = (type: string) => `${type[0]!.toUpperCase()}${type.slice(1)}Subject`
  expect(Object.fromEntries(found)).toEqual({
    ...Object.fromEntries(Object.values(subjects).map((s) => [named(s.type), own(s, 'type')])),
    // Of version 1.
    Evidence: own({ ...evidence.EarlyWarningEvidence }, 'detector'),
    ...Object.fromEntries(
      Object.entries(evidence).map(([name, e]) => [name, own(e, 'figures' in e ? undefined : 'detector')]),
    ),
  })
  expect(own(toWire(event({})))).toEqual(fields.map(({ name }) => name).sort())
})

test('the registry takes it as a successor of version 1', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'fcm-registry-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  const { register } = await openFileRegistry(join(dir, 'schemas.json'))
  await register('fcm.AlertEvent', VERSION_1)
  expect(await register('fcm.AlertEvent', readSchema('AlertEvent'))).toBe(2)
})

test.each<[string, Evidence]>([
  ['early-warning', { detector: 'early-warning', ...figures, ...indicators, score: 0.9 }],
  ['onset', { detector: 'onset', ...figures }],
  ['collapse', { detector: 'collapse', ...figures, ...indicators }],
])('an %s of version 1 is read as one of today', async (kind, today) => {
  const codec = await createCodec(registry())
  const { detector: _, ...rest } = today
  const old = { variance: null, autocorrelation: null, score: null, ...rest }
  const bytes = version1({ ...common, kind, ...bin, evidence: [old, old] })
  await codec.prepare(bytes)
  const record = event({ kind, subject: subjects.series, evidence: [today, today] })
  expect(codec.decode(bytes)).toEqual(record)
  expect(codec.decode(codec.encode(record))).toEqual(record)
})

test('what version 1 has not written, and what is about nothing, is malformed', async () => {
  const codec = await createCodec(registry())
  const old = { ...figures, ...indicators, score: null }
  const bytes = version1({ ...common, kind: 'drift', ...bin, evidence: [old] })
  await codec.prepare(bytes)
  expect(() => codec.decode(bytes)).toThrow(/no alerts of kind drift/)
  const type = avro.Type.forSchema(readSchema('AlertEvent') as avro.Schema)
  const subjectless = type.toBuffer({ ...toWire(event({})), subject: null })
  const head = codec.encode(event({})).subarray(0, 5)
  expect(() => codec.decode(Buffer.concat([head, subjectless]))).toThrow(/no subject/)
})

test('p and score of evidence, and the order of kinds', () => {
  const plain = (...names: string[]): Evidence => ({
    ...{ detector: 'any', reason: '' },
    figures: names.map((name) => ({ name, value: 0.5 })),
  })
  expect([...Object.values(evidence), plain('p', 'score')].map(pOf)).toEqual([0.001, 0.001, 0.001, null, 0.5])
  expect([...Object.values(evidence), plain('p', 'score')].map(scoreOf)).toEqual([0.9, null, null, null, 0.5])
  const kinds = ['any', 'collapse', 'early-warning', 'onset']
  expect(kinds.sort((a, b) => kindOrder(a) - kindOrder(b))).toEqual([
    ...['early-warning', 'onset', 'collapse', 'any'],
  ])
})
