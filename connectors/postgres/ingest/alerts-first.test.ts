import { expect, test } from 'vitest'
import type { AlertEvent, FcmRecord, Milestone } from '../../../schemas/records.ts'
import { createTurns } from '../database/turns.ts'
import { alertsFirst } from './alerts-first.ts'
import type { Written } from './ingest.ts'

type Input = { key: string; record: FcmRecord }
const milestone = (n: number): Input => ({
  key: 'k',
  record: { type: 'Milestone', measure: 'posts', start: 0, seconds: 300, n, time: 0 } satisfies Milestone,
})
const alert = { key: 'k', record: { type: 'AlertEvent' } as AlertEvent }
const many = (n: number) => Array.from({ length: n }, (_, i) => milestone(i))

/** A database that takes a step each time it is told to. */
function stepping() {
  const running: { records: Input[]; end(written?: Written): void; fail(error: Error): void }[] = []
  const began: Input[][] = []
  const turns = createTurns(1)
  const write = (_: string, records: Input[]) =>
    turns(records[0]!.record.type === 'AlertEvent' ? 'urgent' : 'usual', () => {
      const { promise, resolve, reject } = Promise.withResolvers<Written>()
      began.push(records)
      running.push({ records, end: (written = { rejected: [] }) => resolve(written), fail: reject })
      return promise
    })
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  return {
    write: alertsFirst(write),
    began,
    async step(written?: Written) {
      await turn()
      running.shift()!.end(written)
      await turn()
    },
    async fail(error: Error) {
      await turn()
      running.shift()!.fail(error)
      await turn()
    },
    turn,
  }
}

test('an alert waits for nothing but the slice that is being written', async () => {
  const db = stepping()
  const signals = db.write('r', many(1000))
  const counts = db.write('r', many(300))
  await db.turn()
  const alerts = db.write('r', [alert])
  await db.turn()
  expect(db.began.map((records) => records.length)).toEqual([250])
  for (let i = 0; i < 7; i++) await db.step()
  await Promise.all([signals, counts, alerts])
  // Others take turns, so that none waits for all of another.
  expect(db.began.map((records) => records.length)).toEqual([250, 1, 250, 250, 50, 250, 250])
})

test('a store that is behind gets whole batches, and writes them in fewer transactions', async () => {
  const db = stepping()
  const done = db.write('r', many(2400))
  for (let i = 0; i < 2; i++) await db.step()
  await done
  expect(db.began.map((records) => records.length)).toEqual([2000, 400])
})

test('all is written, in order, and what is rejected is told by its place in the whole', async () => {
  const db = stepping()
  const done = db.write('r', many(600))
  await db.step({ rejected: [{ index: 3, why: 'a' }] })
  await db.step()
  await db.step({ rejected: [{ index: 99, why: 'b' }] })
  expect(await done).toEqual({
    rejected: [
      { index: 3, why: 'a' },
      { index: 599, why: 'b' },
    ],
  })
  expect(db.began.flat()).toEqual(many(600))
})

test('a slice that fails is told, and others go on', async () => {
  const db = stepping()
  const failing = expect(db.write('r', many(300))).rejects.toThrow('gone')
  const other = db.write('r', many(1))
  await db.fail(new Error('gone'))
  await failing
  await db.step()
  expect(await other).toEqual({ rejected: [] })
})
