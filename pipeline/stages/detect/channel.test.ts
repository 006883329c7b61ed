import { describe, expect, it } from 'vitest'
import { BASE, DAY } from '../../../common/time.ts'
import type { InputOf } from '../../runtime/stage.ts'
import { drive } from '../../testing/drive.ts'
import { FORGOTTEN_AFTER, MOST_CHANNELS } from './channel.ts'
import { alerts, closed, START, stage, streams } from './testing.ts'

type Input = InputOf<'detect'>

const DAYS = FORGOTTEN_AFTER / DAY
const idle = (key: string, bin: number): Input => ({
  key,
  record: { type: 'Idle', measure: 'posts', from: START + bin * BASE },
})
const milestone = (key: string, bin: number, n: number): Input => {
  const start = START + bin * BASE
  return { key, record: { type: 'Milestone', measure: 'posts', start, seconds: 300, n, time: start + n } }
}

/** Two days of posts, then idle until `wakes` days later: an onset at once, where anything of the past is known. */
function sleeper(key: string, wakes: number): Input[] {
  const awake = Array.from({ length: 576 }, (_, bin) => closed(bin, { posts: 8 }, false, key))
  const at = 576 + wakes * 288
  return [
    ...awake,
    milestone(key, 576, 64),
    closed(576, { posts: 90 }, false, key),
    idle(key, 577),
    milestone(key, at, 64),
    closed(at, { posts: 90 }, false, key),
    ...Array.from({ length: 5 }, (_, i) => closed(at + 1 + i, { posts: 90 }, false, key)),
  ]
}
const openings = async (inputs: Input[]) =>
  alerts(await drive(stage(), inputs)).filter((a) => a.event === 'opened' && a.kind === 'onset').length

describe('a channel that is idle', () => {
  it(`is remembered for ${DAYS} days, and begins anew when it wakes after them`, async () => {
    expect(await openings(sleeper('tea', DAYS - 1))).toBe(2)
    expect(await openings(sleeper('tea', DAYS + 1))).toBe(1)
  })

  it('is dropped meanwhile, once the partition is two days further, and no result depends on it', async () => {
    for (const wakes of [DAYS - 1, DAYS + 1, DAYS + 20]) {
      const own = sleeper('tea', wakes)
      const clock = Array.from({ length: wakes + 2 }, (_, day) =>
        closed(day * 288, { posts: 1 }, false, 'other'),
      )
      const woken = own.length - 7
      const beside = [...own.slice(0, woken), ...clock, ...own.slice(woken)]
      const mine = (all: Map<string, unknown>) => [...all].filter(([name]) => name.endsWith(' tea'))
      const plain = mine(streams(await drive(stage(), own)))
      expect(plain.length).toBe(2)
      expect(mine(streams(await drive(stage(), beside)))).toEqual(plain)
      expect(mine(streams(await drive(stage(), beside, { batch: 7 })))).toEqual(plain)
    }
  })

  it('leaves nothing in the state', async () => {
    const s = stage()
    const state = s.initial(0)
    const settle = () => s.settle(state, () => {})
    for (const input of sleeper('tea', 1).slice(0, 579)) s.apply(state, input)
    await settle()
    const kept = { channels: 1, watched_channels: 1, bins_passed_over: 0 }
    expect(s.gauges!(state)).toEqual(kept)
    s.apply(state, closed(576 + (DAYS + 1) * 288, { posts: 1 }, false, 'other'))
    await settle()
    expect(s.gauges!(state)).toEqual({ ...kept, channels: 2 })
    s.apply(state, closed(577 + (DAYS + 2) * 288, { posts: 1 }, false, 'other'))
    await settle()
    expect(s.gauges!(state)).toEqual({ ...kept, watched_channels: 0 })
  })

  it('is not forgotten while one of its series is not idle', async () => {
    const s = stage()
    const state = s.initial(0)
    for (const input of sleeper('tea', 1).slice(0, 578)) s.apply(state, input)
    s.apply(state, closed(576 + 100 * 288, { posts: 1 }, false, 'other'))
    expect(s.gauges!(state).channels).toBe(2)
  })
})

describe('channels', () => {
  it(`are at most ${MOST_CHANNELS}: others are passed over and counted, and those that are known go on`, async () => {
    const s = stage()
    const state = s.initial(0)
    for (let i = 0; i < MOST_CHANNELS + 3; i++) s.apply(state, closed(0, { posts: 1 }, false, `c${i}`))
    expect(s.gauges!(state)).toMatchObject({ channels: MOST_CHANNELS, bins_passed_over: 3 })
    s.apply(state, closed(1, { posts: 1 }, false, 'c0'))
    expect(s.gauges!(state)).toMatchObject({ channels: MOST_CHANNELS, bins_passed_over: 3 })
    expect(state.channels.byKey.get('c0')!.series[0]!.covered).toBe(2)
  })
})
