/** Results as they were when they were last changed on purpose: see `golden.test.ts`. */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { defaults } from '../pipeline/stages/detect/settings.ts'
import { openExports } from './testing.ts'

const FILE = fileURLToPath(new URL('golden.json', import.meta.url))
const { GOLDEN } = process.env

type Digest = { rows: number; sha256: string }
type Golden = { model: number; results: Record<string, Digest>; order: Record<string, Digest> }
export const golden: Golden =
  GOLDEN === 'record'
    ? { model: defaults.model, results: {}, order: {} }
    : JSON.parse(readFileSync(FILE, 'utf8'))

type Row = Record<string, unknown>
/** Columns by which a row is known, and all that is held of it. */
const COLUMNS = {
  counts: { identity: ['series', 'start'], values: ['seconds', 'count', 'late', 'covered'] },
  signals: {
    identity: ['series', 'resolution', 'start'],
    values: [
      ...['count', 'expected', 'dispersion', 'residual', 'variance', 'autocorrelation', 'rawVariance'],
      ...['rawAutocorrelation', 'varianceTrend', 'autocorrelationTrend', 'pVariance', 'pAutocorrelation'],
      ...['p', 'score', 'decision', 'reason'],
    ],
  },
  alerts: {
    identity: ['channel', 'type', 'openedAt', 'series', 'resolution', 'start', 'sequence'],
    values: ['event', 'severity', 'time', 'reason', 'evidence', 'preset'],
  },
} as const
const EVIDENCE = [
  ...['series', 'resolution', 'start', 'count', 'expected', 'dispersion', 'variance', 'autocorrelation'],
  ...['p', 'score', 'reason'],
]

const pick = (row: Row, names: readonly string[]): unknown[] =>
  names.map((name) =>
    name === 'evidence' ? (row.evidence as Row[]).map((one) => pick(one, EVIDENCE)) : (row[name] ?? null),
  )

/** Bytewise by identity; a text and a number never share a place. */
function canonical(what: keyof typeof COLUMNS, ndjson: string): string[] {
  const { identity, values } = COLUMNS[what]
  return ndjson
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.stringify(pick(JSON.parse(line), [...identity, ...values])))
    .sort()
}

const digest = (lines: readonly string[]): Digest => ({
  rows: lines.length,
  sha256: createHash('sha256').update(lines.join('\n')).digest('hex'),
})

/** Compares with what was recorded, or records. */
export function hold(part: 'results' | 'order', name: string, lines: readonly string[]): void {
  if (GOLDEN === 'record') golden[part][name] = digest(lines)
  else if (GOLDEN) {
    mkdirSync(GOLDEN, { recursive: true })
    writeFileSync(join(GOLDEN, `${part} ${name.replaceAll('/', ' ')}.txt`), `${lines.join('\n')}\n`)
  }
  expect({ [name]: digest(lines) }).toEqual({ [name]: golden[part][name] })
}

const PARTS = [
  ['counts', 'counts', {}],
  ['signals', 'signals', {}],
  ['alerts', 'alerts', {}],
  ['filled', 'counts', { fill: 'true' }],
] as const

/** All exports of a run in a data directory; `least`: rows of counts without which nothing would be shown. */
export async function holdExports(name: string, dir: string, run: string, least: number): Promise<void> {
  const exports = await openExports(dir)
  try {
    for (const [part, what, query] of PARTS) {
      const lines = canonical(what, await exports.read(what, { run, format: 'ndjson', ...query }))
      if (part === 'counts') expect(lines.length).toBeGreaterThan(least)
      hold('results', `${name}/${part}`, lines)
    }
  } finally {
    await exports.close()
  }
}

/** Writes what was held to the file, beside what others hold, where that was asked for. */
export function record(): void {
  if (GOLDEN !== 'record') return
  const { results, order }: Golden = JSON.parse(readFileSync(FILE, 'utf8'))
  const held = {
    model: golden.model,
    results: { ...results, ...golden.results },
    order: { ...order, ...golden.order },
  }
  writeFileSync(FILE, `${JSON.stringify(held, null, 2)}\n`)
}
