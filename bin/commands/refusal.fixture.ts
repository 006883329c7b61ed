/** Commands whose arguments nobody means. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { expect } from 'vitest'
import { temporaryDir } from '../../app/testing.ts'
import { backfill } from './backfill.ts'
import { exportRows } from './export.ts'
import { hub } from './hub.ts'
import { mcpServer } from './mcp-server.ts'
import { run } from './run.ts'
import { start } from './start.ts'

const all = [start, run, backfill, exportRows, hub, mcpServer]

export function refusing() {
  const { dir, remove } = temporaryDir()
  return {
    /** What a command throws at such arguments. */
    async refusal(args: string[]): Promise<unknown> {
      const program = new Command('fcm').exitOverride().configureOutput({ writeErr: () => {} })
      for (const command of all) command(program)
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
