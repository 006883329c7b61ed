/** Commands that ask a process which serves, which is this one. */
import { join } from 'node:path'
import { Command } from 'commander'
import { vi } from 'vitest'
import { readConfig } from '../app/config.ts'
import { openEngines } from '../app/engines.ts'
import { startRoles } from '../app/roles/start.ts'
import { serve } from '../app/serve.ts'
import { dataDir } from '../app/testing.ts'
import { openArchive } from '../connectors/farcaster/archive/archive.ts'
import { wholeSource } from '../connectors/farcaster/whole.ts'
import { publish } from '../connectors/sources/publish.ts'
import { deadLetters } from './commands/dead-letters.ts'
import { exportRows } from './commands/export.ts'
import { gaps } from './commands/gaps.ts'
import { lag } from './commands/lag.ts'
import { requests } from './commands/requests.ts'
import { runs } from './commands/runs.ts'

export type Serving = Awaited<ReturnType<typeof openServing>>

export async function openServing() {
  const { dir, remove } = dataDir()
  const engines = await openEngines(readConfig({ dataDir: dir, port: 0 }, { FCM_LOG_LEVEL: 'silent' }))
  const served = await serve(engines)
  return {
    dir,
    engines,

    /** What a command prints. */
    async printed(...args: string[]): Promise<string> {
      const program = new Command('fcm').exitOverride()
      for (const command of [deadLetters, exportRows, gaps, lag, requests, runs]) command(program)
      let text = ''
      const write = vi.spyOn(process.stdout, 'write').mockImplementation((chunk, ...rest) => {
        text += chunk
        for (const done of rest) if (typeof done === 'function') done()
        return true
      })
      try {
        await program.parseAsync(['node', 'fcm', ...args, '--data-dir', dir])
      } finally {
        // `lag` says by it how things are.
        process.exitCode = undefined
        write.mockRestore()
      }
      return text
    },

    async publishFile(run: string, file: string) {
      return publish({
        ...{ log: engines.log, codec: engines.codec, run },
        open: wholeSource({ input: (await openArchive([file], { dir: join(dir, 'tmp') })).items() }),
      })
    },

    async processed(run: string): Promise<void> {
      const roles = await startRoles(engines, run, ['count', 'sum', 'store'])
      try {
        await roles.caughtUp(() => {}, AbortSignal.timeout(30_000))
      } finally {
        await roles.stop()
      }
    },

    async close(): Promise<void> {
      await served.close()
      await engines.close()
      remove()
    },
  }
}

export const START = Date.UTC(2026, 0, 5)

/** A cast as hubs write it, `n` seconds after the start. */
export const castLine = (n: number, body: object): string =>
  JSON.stringify({
    data: {
      type: 'MESSAGE_TYPE_CAST_ADD',
      fid: 1,
      timestamp: (START - 1609459200000) / 1000 + n,
      castAddBody: { text: '', ...body },
    },
    hash: `0x${n.toString(16).padStart(8, '0').padEnd(40, '0')}`,
  })
