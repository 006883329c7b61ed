/** What a source did, in memory, for tests of what asks for it: one row each, unless a test says otherwise. */
import { HOUR } from '../../../common/time.ts'
import { CHANNEL, HOSTILE, page, T0 } from '../rows.fake.ts'
import type { Followed, Operations, SourceState } from './operations.ts'

export const sourceState: SourceState = {
  measures: [
    { measure: 'posts', decidedTo: T0, gapRatioDay: 0.25 },
    { measure: 'replies', decidedTo: T0 - HOUR, gapRatioDay: null },
  ],
  round: { at: T0, requests: 40, failed: 3, error: HOSTILE, complete: ['posts'], next: null },
  requests: 1234,
  failed: 56,
  hour: T0 - HOUR,
  followed: 2,
  failing: 1,
  behind: 1,
}
export const followedRow: Followed = {
  ...{ channel: CHANNEL, postsTo: T0, repliesTo: null, reactionsTo: T0 - HOUR, polledAt: T0 + 999 },
  ...{ error: HOSTILE.repeat(40), behind: ['replies'], requests: 12, failed: 3 },
}

export const fakeOperations = (given: Partial<Operations> = {}): Operations => ({
  gaps: async () => page({ channel: CHANNEL, measure: 'posts', from: T0, to: T0 + HOUR, reason: null }),
  source: async () => sourceState,
  followed: async () => [followedRow],
  requests: async () => page({ channel: CHANNEL, hour: T0, requests: 12, failed: 3 }),
  ...given,
})
