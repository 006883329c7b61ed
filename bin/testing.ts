/** How `fcm` says what went wrong, for tests. */
import { join } from 'node:path'
import { expect } from 'vitest'
import type { Ended } from '../app/testing.ts'
import { putDatabase } from '../connectors/postgres/made.fixture.ts'
import { createProgram, explained } from './program.ts'

const STACK = /\n\s+at |node:internal|\.ts:\d+/

/** Nothing was printed but one message for a person. */
export function expectExplained({ code, stderr }: Ended, exit: number, words: RegExp): void {
  expect(stderr).toMatch(words)
  expect(stderr).not.toMatch(STACK)
  expect(code).toBe(exit)
}

/** A data directory with a database in it, that is called so. */
export function dataDirIn(dir: string, name: string): string {
  putDatabase(join(dir, name))
  return join(dir, name)
}

/** What a command says that does nothing but say it, without a process of its own. */
export async function said(args: string[]): Promise<Ended> {
  const ended = { stdout: '', stderr: '' }
  const program = await createProgram(args[0]!, {
    writeOut(text) {
      ended.stdout += text
    },
    writeErr(text) {
      ended.stderr += text
    },
  })
  const error = await program.parseAsync(['node', 'fcm', ...args]).then(
    () => new Error('it was carried out'),
    (error: unknown) => error,
  )
  const { said, exit } = explained(error)
  return { ...ended, stderr: ended.stderr + said, code: exit }
}
