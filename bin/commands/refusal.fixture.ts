/** Commands whose arguments nobody means. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { temporaryDir } from '../../app/testing.ts'
import { createProgram } from '../program.ts'

export function refusing() {
  const { dir, remove } = temporaryDir()
  return {
    /** What a command throws at such arguments. */
    async refusal(args: string[]): Promise<unknown> {
      const program = await createProgram(args[0]!, { writeErr: () => {} })
      const dataDir = ['hub', 'mcp-server'].includes(args[0]!) ? [] : ['--data-dir', join(dir, 'data')]
      return program.parseAsync(['node', 'fcm', ...args, ...dataDir]).then(
        () => 'it was not refused',
        (error: unknown) => error,
      )
    },
    /** After each: a command that was refused has made nothing. */
    expectNothingMade(): void {
      expect(readdirSync(dir)).toEqual([])
      process.removeAllListeners('SIGINT').removeAllListeners('SIGTERM')
    },
    remove,
  }
}
