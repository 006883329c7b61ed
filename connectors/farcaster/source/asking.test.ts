import { expect, test } from 'vitest'
import { type Asking, askAll, LANES } from './asking.ts'
import type { Clock } from './clock.ts'
import type { Answer } from './port.ts'

type Told = Answer<number>
const page = (n: number): Told => ({
  outcome: 'page',
  items: [n],
  from: 0,
  next: null,
  invalid: 0,
  seconds: 0,
})

/** A clock that moves by a second at every rest. */
function asking(deadline: number) {
  let now = 0
  const pauses: number[] = []
  const heard: string[] = []
  const clock: Clock = {
    isWall: false,
    now: () => now,
    until: async () => {},
    pace: async () => {},
    pause: (seconds) => void pauses.push(seconds),
    rest: async () => {
      now += 1000
    },
  }
  const told: Asking = { clock, deadline, heard: ({ outcome }) => void heard.push(outcome) }
  return { told, pauses, heard, move: (to: number) => (now = to) }
}

test('answers come in the order of the questions, some asked at once', async () => {
  let open = 0
  let most = 0
  const ask = async (n: number) => {
    most = Math.max(most, ++open)
    await new Promise((resolve) => setTimeout(resolve, n % 7))
    open--
    return page(n)
  }
  const questions = Array.from({ length: 100 }, (_, i) => i)
  const answers = await askAll(questions, ask, asking(1e9).told)
  expect(answers).toEqual(questions.map(page))
  expect(most).toBe(LANES)
})

test('what nobody answers is asked again, until the deadline', async () => {
  let asked = 0
  const { told, heard } = asking(10_000)
  const ask = async (): Promise<Told> => (++asked < 4 ? { outcome: 'away', why: 'gone' } : page(1))
  expect(await askAll([0], ask, told)).toEqual([page(1)])
  expect(heard).toEqual(['away', 'away', 'away', 'page'])

  const never = async (): Promise<Told> => ({ outcome: 'away', why: 'gone' })
  expect(await askAll([0], never, asking(3000).told)).toMatchObject([{ outcome: 'failed', why: 'gone' }])
})

test('past the deadline nothing is asked', async () => {
  const { told, move } = asking(1000)
  const ask = async (n: number): Promise<Told> => {
    move(1000)
    return page(n)
  }
  const answers = await askAll([1, ...Array.from({ length: 20 }, () => 2)], ask, told)
  expect(answers[0]).toEqual(page(1))
  expect(answers.at(-1)).toMatchObject({ outcome: 'failed', why: 'the round took too long' })
})

test('a pause that the server asks for is kept at once', async () => {
  const { told, pauses } = asking(1e9)
  const ask = async (): Promise<Told> => ({ outcome: 'failed', why: '429', retryAfter: 60, seconds: 0 })
  await askAll([0], ask, told)
  expect(pauses).toEqual([60])
})
