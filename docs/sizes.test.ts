/** Holds the rule of sizes: a file is about one thing, and what a command does stands outside of `bin`. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
/** What is installed, made or measured here is no source. */
const FOREIGN = ['node_modules', 'data', 'coverage']

const mostOf = (file: string): number => (file.startsWith('bin/') ? 120 : 350)

/** Nothing, or what is wrong with the length of a file. */
function tooLong(file: string, text: string): string[] {
  const lines = text.split('\n').length - 1
  return lines > mostOf(file) ? [`${file} has ${lines} lines, and may have ${mostOf(file)}`] : []
}

test('no source file has more than 350 lines, and none in bin more than 120', () => {
  const files = globSync('**/*.{ts,js,css,sql}', { cwd: ROOT, exclude: (name) => FOREIGN.includes(name) })
  expect(files.length).toBeGreaterThan(500)
  expect(files.flatMap((file) => tooLong(file, readFileSync(join(ROOT, file), 'utf8')))).toEqual([])
})

test('the rule notices a line too many', () => {
  expect(tooLong('app/run.ts', 'x\n'.repeat(350))).toEqual([])
  expect(tooLong('app/run.ts', 'x\n'.repeat(351))).toEqual(['app/run.ts has 351 lines, and may have 350'])
  expect(tooLong('bin/fcm.ts', 'x\n'.repeat(121))).toEqual(['bin/fcm.ts has 121 lines, and may have 120'])
})
