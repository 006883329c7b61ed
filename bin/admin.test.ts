import { expect, test } from 'vitest'
import { fakeStore } from '../api/testing.ts'
import { FcmError } from '../common/errors.ts'
import { adminOf } from './admin.ts'
import type { Engine } from './engine.ts'

test('a run that another process writes into is left to it; a database that is away is waited for', async () => {
  const away = new FcmError('DATABASE_UNREACHABLE', { why: 'it is restarted' })
  const names: string[] = []
  const store = fakeStore({
    alone: async (name, taken) => {
      names.push(name)
      throw names.length === 1 ? away : taken
    },
  })
  const admin = adminOf({ store } as unknown as Engine, 'token')
  const told: unknown[] = []
  const request = { files: [], run: 'history' }
  const filling = admin.backfill(request, (progress) => told.push(progress), new AbortController().signal)
  const busy = { code: 'RUN_BUSY', details: { run: 'history' } }
  await expect(filling).rejects.toMatchObject(busy)
  expect(told).toEqual([{ phase: 'waiting', detail: away.message }])
  await expect(admin.deleteRun('history')).rejects.toMatchObject(busy)
  await expect(admin.redrive('history', undefined)).rejects.toMatchObject(busy)
  expect(new Set(names)).toEqual(new Set(['run history']))
})
