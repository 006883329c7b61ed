/** How `fcm` says what went wrong, for tests. */
import { join } from 'node:path'
import { expect, vi } from 'vitest'
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

/**
 * Runs `fcm` in this process: to start another takes a second of a processor. Whoever tests signals, or what a process that
 * ends leaves behind, starts one (`app/testing.ts`).
 */
export async function here(args: string[], env: Record<string, string> = {}): Promise<Ended> {
  const said = { stdout: '', stderr: '' }
  const spies = (['stdout', 'stderr'] as const).map((stream) =>
    vi.spyOn(process[stream], 'write').mockImplementation((chunk, ...rest) => {
      said[stream] += Buffer.from(chunk as string).toString()
      for (const done of rest) if (typeof done === 'function') done()
      return true
    }),
  )
  const before = { env: process.env, exitCode: process.exitCode }
  const listeners = SIGNALS.map((signal) => new Set(process.listeners(signal)))
  // Settings of whoever runs the tests must not leak in.
  process.env = { PATH: process.env.PATH, HOME: process.env.HOME, ...env }
  process.exitCode = undefined
  let code = 0
  try {
    const program = await createProgram(args[0] ?? 'help')
    await program.parseAsync(['node', 'fcm', ...args])
    code = Number(process.exitCode ?? 0)
  } catch (error) {
    const { said: why, exit } = explained(error)
    said.stderr += why
    code = exit
  } finally {
    for (const spy of spies) spy.mockRestore()
    Object.assign(process, before)
    for (const [i, signal] of SIGNALS.entries())
      for (const listener of process.listeners(signal))
        if (!listeners[i]!.has(listener)) process.off(signal, listener)
  }
  return { ...said, code }
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const
