/** The worked examples of `extending.md`, in a copy of the program: they compile, run, and touch as few files as they say. */
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const SOURCES = [
  'api',
  'app',
  'bin',
  'common',
  'connectors',
  'docs',
  'infra',
  'models',
  'pipeline',
  'schemas',
]
const copy = mkdtempSync(join(tmpdir(), 'fcm-extending-'))
afterAll(() => rmSync(copy, { recursive: true }))

type Block = { kind: 'ts' | 'diff'; path: string; text: string }
type Section = { title: string; blocks: Block[] }

const page = readFileSync(join(ROOT, 'docs/extending.md'), 'utf8')
const sections = page
  .split(/^## /m)
  .slice(1)
  .map((text): Section => {
    const blocks = text.matchAll(/^```(ts|diff) (\S+)\n([\s\S]*?)^```$/gm)
    return {
      title: text.slice(0, text.indexOf('\n')),
      blocks: [...blocks].map(([, kind, path, body]) => ({
        kind: kind as Block['kind'],
        path: path!,
        text: body!,
      })),
    }
  })

/** Puts each `+` line of a block behind the line above it, which must stand in the file once. Returns how many they are. */
function change({ path, text }: Block): number {
  const file = join(copy, path)
  const lines = readFileSync(file, 'utf8').split('\n')
  let above: string | undefined
  let added = 0
  for (const line of text.split('\n').slice(0, -1)) {
    const content = line.slice(1)
    if (line.startsWith('+')) {
      const at = lines.indexOf(above!)
      expect(lines.filter((l) => l === above)).toHaveLength(1)
      lines.splice(at + 1, 0, content)
      added++
    }
    above = content
  }
  writeFileSync(file, lines.join('\n'))
  return added
}

const touched = new Map<string, { files: string[]; changed: string[]; lines: number }>()
const run = promisify(execFile)
const node = (...args: string[]) =>
  run(join(ROOT, 'node_modules/.bin/node'), ['--disable-warning=ExperimentalWarning', ...args], { cwd: copy })

beforeAll(async () => {
  for (const name of SOURCES) cpSync(join(ROOT, name), join(copy, name), { recursive: true })
  for (const name of ['package.json', 'tsconfig.json']) cpSync(join(ROOT, name), join(copy, name))
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'))
  for (const { title, blocks } of sections) {
    const of = { files: [] as string[], changed: [] as string[], lines: 0 }
    for (const block of blocks) {
      if (block.path === 'run') writeFileSync(join(copy, scriptOf(title)), block.text)
      else if (block.kind === 'ts') {
        of.files.push(block.path)
        mkdirSync(dirname(join(copy, block.path)), { recursive: true })
        writeFileSync(join(copy, block.path), block.text, { flag: 'wx' })
      } else {
        of.changed.push(block.path)
        of.lines += change(block)
      }
    }
    touched.set(title, of)
  }
})

const scriptOf = (title: string): string => `${title.replaceAll(' ', '-')}.ts`
/** What the section's run prints. */
const tried = async (title: string): Promise<string> => (await node(scriptOf(title))).stdout

it('all of them together compile', async () => {
  // What was touched, with all that it imports: the rest is compiled every day.
  const files = [...touched].flatMap(([title, of]) => [...of.files, ...of.changed, scriptOf(title)])
  const config = { extends: './tsconfig.json', include: [], files }
  writeFileSync(join(copy, 'tsconfig.extending.json'), JSON.stringify(config))
  const compiled = node('node_modules/typescript/bin/tsc', '-p', 'tsconfig.extending.json')
  expect(await compiled.catch((error) => error)).toMatchObject({ stdout: '' })
})

describe('a new detector', () => {
  const title = 'A new detector'

  it('is one file, and its line in the list with its import', () => {
    expect(touched.get(title)).toEqual({
      files: ['pipeline/stages/detect/detectors/spike.ts'],
      changed: ['pipeline/stages/detect/detectors/index.ts'],
      lines: 2,
    })
  })

  it('warns', async () => {
    const lines = (await tried(title)).trim().split('\n')
    expect(lines[0]).toMatch(/^opened 1 (posts|casts) per 5 min: saw \d+, [\d.]+ times the usual over weeks/)
    expect(lines.at(-1)).toMatch(/^resolved \d+ back to usual for 3 bins/)
  })
})

describe('a new measure', () => {
  const title = 'A new measure'

  it('is one row in the table', () => {
    expect(touched.get(title)).toEqual({ files: [], changed: ['schemas/measures.js'], lines: 1 })
  })

  it('is counted of a channel and of the network, and a name of series', async () => {
    const lines = (await tried(title)).trim().split('\n')
    expect(lines).toContain('quotes:chain://gm 2')
    expect(lines).toContain('casts:* 3')
    expect(lines).toContain('quotes:* 2')
    expect(lines.at(-1)).toBe("{ measure: 'quotes', channel: 'chain://gm' }")
  })

  it('stands in records, and is known to API and page', async () => {
    writeFileSync(
      join(copy, 'known.ts'),
      `import { testApi } from './api/testing.ts'
import { createCodec } from './schemas/codec.ts'
import { openFileRegistry } from './schemas/file-registry.ts'
const codec = await createCodec(await openFileRegistry('registry.json'))
console.log(codec.decode(codec.encode({ type: 'Idle', measure: 'quotes', from: 0 })))
const { app } = await testApi()
for (const url of ['/v1/series?measure=quotes', '/v1/series?measure=none', '/schemas/measures.js']) {
  const { statusCode, body } = await app.inject(url)
  console.log(statusCode, /quotes/.test(body))
}
await app.close()`,
    )
    expect((await node('known.ts')).stdout.trim().split('\n')).toEqual([
      "Idle { measure: 'quotes', from: 0, type: 'Idle' }",
      '200 false',
      '400 true',
      '200 true',
    ])
  })
})

describe('a new sink', () => {
  const title = 'A new sink'

  it('is one file, its line in the topology, and its line in the table of roles with its import', () => {
    expect(touched.get(title)).toEqual({
      files: ['app/roles/files.ts'],
      changed: ['pipeline/topology.ts', 'app/roles/roles.ts'],
      lines: 3,
    })
  })

  it('gets what its topics hold, once under each name', async () => {
    expect(await tried(title)).toBe('f-1.json f-2.json\n')
  })
})

describe('a new source', () => {
  const title = 'A new source'

  it('is one folder, and its line in the table with its import', () => {
    expect(touched.get(title)).toEqual({
      files: ['connectors/ticker/ticker.ts'],
      changed: ['app/sources/sources.ts'],
      lines: 2,
    })
  })

  it('writes the last hour, bin by bin', async () => {
    const [, pace, told] = (await tried(title)).match(/^(from ticker) (.*)$/m)!
    expect(pace).toBe('from ticker')
    const { posts, coverage } = JSON.parse(told!) as { posts: number; coverage: number }
    expect(posts).toBeGreaterThanOrEqual(11 * 5)
    // To each of two partitions.
    expect(coverage).toBe((posts / 5) * 2)
  })

  it('keeps what every source keeps', async () => {
    const suite = join(copy, 'connectors/ticker/ticker.test.ts')
    writeFileSync(
      suite,
      `import { sourceContract } from '../sources/source.contract.ts'
import { ticker } from './ticker.ts'
sourceContract('the ticker', () => ticker(1.7e12, 1.7e12 + 3_600_000))`,
    )
    const ran = run(join(ROOT, 'node_modules/.bin/vitest'), ['run', '--root', copy, suite], { cwd: copy })
    expect((await ran).stdout).toMatch(/5 passed/)
  })
})
