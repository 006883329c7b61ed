import { expect, test } from 'vitest'
import { fakeStore } from '../api/testing.ts'
import { FcmError } from '../common/errors.ts'
import { adminOf } from './admin.ts'
import type { Engines } from './engines.ts'

test('a run that another process writes into is left to it; a database that is away is waited for', async () => {
  const away = new FcmError('DATABASE_UNREACHABLE', { why: 'it is restarted' })
  const asked: string[] = []
  const store = fakeStore({
    runs: {
      alone: async (name, taken) => {
        asked.push(name)
        throw asked.length === 1 ? away : taken
      },
    },
  })
  const admin = adminOf({ store } as unknown as Engines, 'token')
  const told: unknown[] = []
  const request = { files: [], run: 'history' }
  const stop = new AbortController()
  const filling = admin.backfill(request, (progress) => told.push(progress), stop.signal)
  await expect.poll(() => asked.length).toBeGreaterThan(2)
  const taken = expect.stringMatching(/Another process writes into run "history" .* waits/)
  expect(told).toEqual([away.message, taken].map((detail) => ({ phase: 'waiting', detail })))
  await expect(admin.deleteRun('history')).rejects.toMatchObject({ code: 'RUN_BUSY' })
  stop.abort()
  await expect(filling).rejects.toThrow('aborted')
  const busy = { code: 'RUN_BUSY', details: { run: 'history' } }
  await expect(admin.deleteRun('history')).rejects.toMatchObject(busy)
  await expect(admin.redrive('history', undefined)).rejects.toMatchObject(busy)
  expect(new Set(asked)).toEqual(new Set(['run history']))
})
