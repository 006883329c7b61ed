import fc from 'fast-check'
import { expect, test } from 'vitest'
import { findLargest } from './find.ts'

const never = new AbortController().signal

async function search(limit: number, from: number) {
  const trials = await findLargest(async (rate) => ({ rate, holds: rate <= limit }), from, never)
  return { trials, largest: Math.max(0, ...trials.flatMap(({ rate, holds }) => (holds ? [rate] : []))) }
}

test('finds the largest rate that holds to a tenth, wherever it begins', () =>
  fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 90_000 }),
      fc.integer({ min: 1, max: 20_000 }),
      async (limit, from) => {
        const { trials, largest } = await search(limit, from)
        expect(largest).toBeLessThanOrEqual(limit)
        // Whole numbers: next to 10 lies 11.
        expect(largest + 1).toBeGreaterThan(limit / 1.1)
        expect(trials.length).toBeLessThan(30)
      },
    ),
  ))

test('ends where nothing holds, where everything does, and when it is stopped', async () => {
  expect((await search(0, 1000)).largest).toBe(0)
  expect((await search(1e9, 1000)).largest).toBe(100_000)
  const stop = new AbortController()
  const trials = await findLargest(
    async () => {
      stop.abort()
      return { holds: true }
    },
    1000,
    stop.signal,
  )
  expect(trials).toHaveLength(1)
})
