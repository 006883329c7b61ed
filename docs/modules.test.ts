/** Holds the rule of DESIGN section 6: imports go one way. */
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** Module -> the modules its files may import from; the longest name that a path begins with is its module. */
const MAY_IMPORT: Record<string, string[]> = {
  common: [],
  schemas: ['common'],
  models: ['common', 'schemas'],
  'pipeline/log': ['common', 'schemas', 'pipeline/topology.ts'],
  'pipeline/topology.ts': ['common', 'schemas', 'pipeline/log/port.ts'],
  'pipeline/runtime': ['common', 'schemas', 'pipeline/log', 'pipeline/topology.ts'],
  'pipeline/stages': [
    ...['common', 'schemas', 'models', 'pipeline/runtime/stage.ts', 'pipeline/topology.ts'],
  ],
  'pipeline/testing': ['common', 'schemas', 'pipeline'],
  connectors: ['common', 'schemas', 'models', 'pipeline/log', 'pipeline/topology.ts'],
  api: ['common', 'schemas', 'models', 'connectors', 'pipeline/log', 'pipeline/topology.ts'],
  app: ['common', 'schemas', 'models', 'pipeline', 'connectors', 'api'],
  bin: ['common', 'schemas', 'models', 'pipeline', 'connectors', 'api', 'app'],
}

/** Stages and models compute from what they are given: these would let a clock, chance or the outside in. */
const PURE = ['pipeline/stages', 'models']
const IMPURE =
  /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bperformance\.now\b|\bset(Timeout|Interval|Immediate)\b|\bfetch\(|\bprocess\.(env|hrtime)\b/

const moduleOf = (path: string): string | undefined =>
  Object.keys(MAY_IMPORT)
    .filter((name) => path === name || path.startsWith(`${name}/`))
    .sort((a, b) => b.length - a.length)[0]

const files = globSync('{common,schemas,models,pipeline,connectors,api,app,bin}/**/*.ts', { cwd: ROOT })
/** A benchmark has to read a clock; what is there for tests takes from where it likes. */
const product = files.filter((file) => !/(\.(test|contract|fake|fixture)|\/(bench|testing))\.ts$/.test(file))
const importsOf = (file: string): string[] =>
  [...readFileSync(join(ROOT, file), 'utf8').matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map(
    ([, path]) => relative(ROOT, join(ROOT, dirname(file), path!)),
  )

/** `import x -> y` for every import that the rule forbids. */
function violations(edges: readonly (readonly [string, string])[]): string[] {
  return edges.flatMap(([file, target]) => {
    const from = moduleOf(file)
    if (from === undefined || !moduleOf(target)) return [`${file} -> ${target}: in no module`]
    const allowed = [from, ...MAY_IMPORT[from]!].some(
      (name) => target === name || target.startsWith(`${name}/`),
    )
    return allowed ? [] : [`${file} -> ${target}`]
  })
}

test('imports go one way', () => {
  expect(product.length).toBeGreaterThan(50)
  const edges = product.flatMap((file) => importsOf(file).map((target) => [file, target] as const))
  expect(edges.length).toBeGreaterThan(100)
  expect(violations(edges)).toEqual([])
})

test('the rule notices what it forbids', () => {
  const forbidden = [
    ['pipeline/stages/sum.ts', 'pipeline/log/port.ts'],
    ['pipeline/stages/sum.ts', 'connectors/postgres/store.ts'],
    ['schemas/codec.ts', 'pipeline/log/port.ts'],
    ['connectors/postgres/store.ts', 'api/app.ts'],
    ['api/app.ts', 'app/engines.ts'],
    ['app/engines.ts', 'bin/options.ts'],
    ['connectors/postgres/store.ts', 'pipeline/runtime/run-sink.ts'],
  ] as const
  expect(violations(forbidden)).toHaveLength(forbidden.length)
})

/** @throws Error that names the first circle */
function refuseCircles(graph: ReadonlyMap<string, readonly string[]>): void {
  const done = new Set<string>()
  const visit = (node: string, path: string[]): void => {
    if (path.includes(node))
      throw new Error(`cycle: ${[...path.slice(path.indexOf(node)), node].join(' -> ')}`)
    if (done.has(node)) return
    for (const next of graph.get(node) ?? []) visit(next, [...path, node])
    done.add(node)
  }
  for (const node of graph.keys()) visit(node, [])
}

test('no cycle of files, types included', () => {
  expect(() => refuseCircles(new Map(product.map((file) => [file, importsOf(file)])))).not.toThrow()
})

test('no cycle of the folders of models, types included: each is understood by what stands below it', () => {
  const folderOf = (file: string): string => file.split('/').slice(0, 2).join('/')
  const within = product.filter((file) => /^models\/[^/]+\//.test(file))
  const graph = Map.groupBy(within, folderOf)
  const edges = new Map(
    [...graph].map(([folder, files]) => [
      folder,
      files.flatMap((file) => importsOf(file).map(folderOf)).filter((to) => to !== folder && graph.has(to)),
    ]),
  )
  expect([...edges.values()].flat().length).toBeGreaterThan(10)
  expect(() => refuseCircles(edges)).not.toThrow()
  expect(() => refuseCircles(new Map([...edges, ['models/cnn-lstm', ['models/evaluation']]]))).toThrow(
    /cycle/,
  )
})

test('stages and models let no clock and no chance in', () => {
  const impure = product.filter(
    (file) =>
      PURE.some((name) => file.startsWith(`${name}/`)) && IMPURE.test(readFileSync(join(ROOT, file), 'utf8')),
  )
  expect(impure).toEqual([])
})
