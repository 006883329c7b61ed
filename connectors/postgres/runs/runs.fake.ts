/** Runs in memory, for tests of what asks for them: one, unless a test says otherwise. */
import { page, T0 } from '../rows.fake.ts'
import type { Run, Runs } from './runs.ts'

export const run: Run = {
  ...{ run: 'history', createdAt: T0, channels: 1, firstAt: null, lastAt: null, alerts: 0 },
  ...{ late: 5, lateBefore: 2 },
}

export const fakeRuns = (given: Partial<Runs> = {}): Runs => ({
  list: async () => page(run),
  has: async (name) => name === run.run,
  delete: async () => {},
  expire: async () => 0,
  alone: (_name, _taken, work) => work(new AbortController().signal),
  ...given,
})
