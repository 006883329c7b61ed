/** How `fcm` says what went wrong, for tests. */
import { join } from 'node:path'
import { expect } from 'vitest'
import type { Ended } from '../app/testing.ts'
import { putDatabase } from '../connectors/postgres/made.fixture.ts'

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
