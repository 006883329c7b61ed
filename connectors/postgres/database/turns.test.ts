import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createTurns, type Urgency } from './turns.ts'

const turn = () => new Promise((resolve) => setImmediate(resolve))

/** Works that end when they are told to. */
function stepping(slots: number) {
  const turns = createTurns(slots)
  const began: string[] = []
  const running = new Map<string, PromiseWithResolvers<void>>()
  return {
    began,
    running,
    begin(urgency: Urgency, name: string) {
      const end = Promise.withResolvers<void>()
      return turns(urgency, () => {
        began.push(name)
        running.set(name, end)
        return end.promise
      })
    },
    async end(name: string) {
      running.get(name)!.resolve()
      running.delete(name)
      await turn()
    },
  }
}

test('what is urgent goes before all else that waits, and waits for no more than what is under way', async () => {
  const { begin, end, began } = stepping(1)
  const all = ['a', 'b', 'c'].map((name) => begin('usual', name))
  await turn()
  all.push(begin('urgent', 'alert'), begin('urgent', 'alert 2'))
  for (const name of ['a', 'alert', 'alert 2', 'b', 'c']) await end(name)
  await Promise.all(all)
  expect(began).toEqual(['a', 'alert', 'alert 2', 'b', 'c'])
})

test('of several slots one is kept for what is urgent', async () => {
  const { begin, end, began, running } = stepping(3)
  for (const name of ['a', 'b', 'c', 'd']) void begin('usual', name)
  await turn()
  expect(began).toEqual(['a', 'b'])
  void begin('urgent', 'alert')
  await turn()
  expect([...running.keys()]).toEqual(['a', 'b', 'alert'])
  await end('alert')
  expect([...running.keys()]).toEqual(['a', 'b'])
  await end('a')
  await end('b')
  expect([...running.keys()]).toEqual(['c', 'd'])
})

test('all have their turn, no more at a time than there are slots, also when some fail', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.record({ urgent: fc.boolean(), fails: fc.boolean(), steps: fc.nat(3) }), { maxLength: 30 }),
      async (slots, works) => {
        const turns = createTurns(slots)
        let [running, most] = [0, 0]
        const ended = await Promise.allSettled(
          works.map(({ urgent, fails, steps }, i) =>
            turns(urgent ? 'urgent' : 'usual', async () => {
              most = Math.max(most, ++running)
              for (let step = 0; step < steps; step++) await turn()
              running--
              if (fails) throw new Error('failed')
              return i
            }),
          ),
        )
        expect(most).toBeLessThanOrEqual(slots)
        expect(ended.map(({ status }) => status === 'rejected')).toEqual(works.map(({ fails }) => fails))
      },
    ),
    { numRuns: 50 },
  )
})
