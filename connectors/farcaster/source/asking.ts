import type { Clock } from './clock.ts'
import type { Answer, Counts } from './server.ts'

/** Requests under way at once. */
export const LANES = 16

/**
 * Asks every question, some at once; the answers are in the order of the questions. One that nobody answers is asked again
 * until the clock passes `deadline`; a simulated clock stands meanwhile, so there it is asked until somebody does.
 */
export async function askAll<Q, A extends Answer<unknown> | Counts>(
  questions: readonly Q[],
  ask: (question: Q) => Promise<A>,
  clock: Clock,
  deadline: number,
): Promise<Exclude<A, { outcome: 'away' }>[]> {
  type Told = Exclude<A, { outcome: 'away' }>
  const answers: Told[] = new Array(questions.length)
  let next = 0
  const untilTold = async (question: Q): Promise<Told> => {
    for (;;) {
      await clock.pace()
      const answer = await ask(question)
      if (answer.outcome !== 'away') return answer as Told
      if (clock.now() >= deadline) return { ...answer, outcome: 'failed', retryAfter: 0, seconds: 0 } as never
      await clock.rest()
    }
  }
  const lane = async () => {
    while (next < questions.length) {
      const i = next++
      answers[i] = await untilTold(questions[i]!)
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  return answers
}
