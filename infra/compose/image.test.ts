/** Holds what the image is built from against what the program loads when it runs. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, matchesGlob, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

const ignore = read('.dockerignore')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
const taken = ignore.filter((line) => line.startsWith('!')).map((line) => line.slice(1))
const left = ignore.filter((line) => !line.startsWith('!') && line !== '*')
const isWithin = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`)
const isIn = (path: string): boolean => {
  const parts = path.split('/')
  const paths = parts.map((_, i) => parts.slice(0, i + 1).join('/'))
  return (
    taken.some((name) => isWithin(path, name)) &&
    !left.some((pattern) => paths.some((path) => matchesGlob(path, pattern)))
  )
}

test('it holds every file that the program loads', () => {
  expect(ignore[0]).toBe('*')
  const loaded = filesOf('bin/fcm.js', { types: false })
  expect(loaded.size).toBeGreaterThan(100)
  const missing = [...loaded].filter(([file]) => !isIn(file) || !existsSync(join(ROOT, file)))
  // An optional install, and none of the image's.
  expect(missing).toEqual([['infra/tfjs-node/package.json', 'models/cnn-lstm/tfjs.ts']])
  expect(loaded.keys()).toContain('models/cnn-lstm/kernel/kernel.wasm')
})

test('of what is in the repository it holds nothing else, but types and what npm wants', () => {
  const known = filesOf('bin/fcm.js', { types: true })
  const folders = [...known.keys()].filter((path) =>
    statSync(join(ROOT, path), { throwIfNoEntry: false })?.isDirectory(),
  )
  expect(folders).toContain('schemas')
  const isKnown = (path: string): boolean =>
    known.has(path) || (!path.endsWith('.ts') && folders.some((folder) => isWithin(path, folder)))
  const files = execFileSync('git', ['ls-files'], { cwd: ROOT, encoding: 'utf8' }).trimEnd().split('\n')
  expect(files.length).toBeGreaterThan(500)
  expect(files.filter((path) => isIn(path) && !isKnown(path))).toEqual([
    '.npmrc',
    'LICENSE',
    'package-lock.json',
  ])
})

test('it holds no package or data of this machine', () => {
  for (const path of ['node_modules/pg/package.json', 'data/log.sqlite', '.env', 'app/fcm.log'])
    expect([path, isIn(path)]).toEqual([path, false])
})

/** What is loaded from `entry` on, and by which file. */
function filesOf(entry: string, which: { types: boolean }): Map<string, string> {
  const found = new Map<string, string>()
  const visit = (file: string, by: string): void => {
    if (found.has(file)) return
    found.set(file, by)
    if (/\.[jt]s$/.test(file) && existsSync(join(ROOT, file)))
      for (const next of loadedBy(file, which)) visit(relative(ROOT, join(ROOT, dirname(file), next)), file)
  }
  visit(entry, '')
  return found
}

/** Modules, and files or folders found by `new URL`, that a file asks for. Without `types` as they are erased. */
function loadedBy(file: string, { types }: { types: boolean }): string[] {
  const source = types ? read(file) : read(file).replace(/^(import|export) type [^;]*? from '[^']+'$/gm, '')
  return [
    ...source.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g),
    // What `npm ci` brings is looked for by itself.
    ...source.matchAll(/new URL\('((?!\.\.\/node_modules)[\w./-]+)', import\.meta\.url\)/g),
  ].map(([, path]) => path!)
}
