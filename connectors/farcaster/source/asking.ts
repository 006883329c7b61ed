import type { Clock } from './clock.ts'
import type { Answer, Counts } from './port.ts'

/** Requests under way at once. */
export const LANES = 16

export type Asking = {
  clock: Clock
  /** By the clock, ms: what has not been answered by then has failed. A simulated clock stands meanwhile. */
  deadline: number
  /** Told of every answer, and of every time that nobody answered. */
  heard(answer: Answer<unknown> | Counts): void
}

/**
 * Asks every question, some at once; the answers are in the order of the questions. One that nobody answers is asked
 * again until the deadline.
 */
export async function askAll<Q, A extends Answer<unknown> | Counts>(
  questions: readonly Q[],
  ask: (question: Q) => Promise<A>,
  { clock, deadline, heard }: Asking,
): Promise<Exclude<A, { outcome: 'away' }>[]> {
  type Told = Exclude<A, { outcome: 'away' }>
  const answers: Told[] = new Array(questions.length)
  let next = 0
  const untilTold = async (question: Q): Promise<Told> => {
    for (let why = 'the round took too long'; ; ) {
      await clock.pace()
      if (clock.now() >= deadline) return { outcome: 'failed', why, retryAfter: 0, seconds: 0 } as Told
      const answer = await ask(question)
      heard(answer)
      if (answer.outcome === 'failed' && answer.retryAfter > 0) clock.pause(answer.retryAfter)
      if (answer.outcome !== 'away') return answer as Told
      why = answer.why
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
