/** Holds what the image is built from against what the program loads when it runs. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

describe('the image', () => {
  const ignore = read('.dockerignore')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
  const folders = ignore.filter((line) => line.startsWith('!')).map((line) => line.slice(1))
  const left = ignore.filter((line) => line.startsWith('**/')).map((line) => line.slice('**/*'.length))
  const isIn = (path: string): boolean =>
    folders.some((name) => path === name || path.startsWith(`${name}/`)) &&
    !left.some((ending) => path.endsWith(ending))

  test('it holds every file that the program loads', () => {
    expect(ignore[0]).toBe('*')
    const seen = new Set<string>()
    const missing: string[] = []
    const visit = (file: string, by: string): void => {
      if (seen.has(file)) return
      seen.add(file)
      if (!isIn(file) || !existsSync(join(ROOT, file))) missing.push(`${file}, for ${by}`)
      else if (/\.[jt]s$/.test(file))
        for (const next of loadedBy(file)) visit(relative(ROOT, join(ROOT, dirname(file), next)), file)
    }
    visit('bin/fcm.js', 'the entry point')
    expect(seen.size).toBeGreaterThan(100)
    // An optional install, and none of the image's.
    expect(missing).toEqual(['infra/tfjs-node/package.json, for models/cnn-lstm/tfjs.ts'])
    expect([...seen]).toContain('models/cnn-lstm/kernel/kernel.wasm')
  })

  test('it holds no test, and no package or data of this machine', () => {
    for (const path of [
      'bin/cli.test.ts',
      'bin/testing.ts',
      'node_modules/pg/package.json',
      'data/log.sqlite',
      '.env',
    ])
      expect([path, isIn(path)]).toEqual([path, false])
  })

  /** Modules, and files or folders found by `new URL`, that a file asks for. Types are erased. */
  function loadedBy(file: string): string[] {
    const source = read(file).replace(/^(import|export) type [^;]*? from '[^']+'$/gm, '')
    return [
      ...source.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g),
      // What `npm ci` brings is looked for by itself.
      ...source.matchAll(/new URL\('((?!\.\.\/node_modules)[\w./-]+)', import\.meta\.url\)/g),
    ].map(([, path]) => path!)
  }
})
