import { describe, expect, it } from 'vitest'
import { BASE, DAY } from '../../../common/time.ts'
import type { InputOf } from '../../runtime/stage.ts'
import { drive } from '../../testing/drive.ts'
import { createPipeline } from '../../testing/pipeline.ts'
import { FORGOTTEN_AFTER, MOST_CHANNELS, windowsOf } from './channel.ts'
import { detectStage } from './detect.ts'
import { alerts, closed, quick, START, scoring, signals, stage, streams } from './testing.ts'

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
    const none = { bins_passed_over: 0, windows_refused: 0 }
    const { windows, ...kept } = s.gauges!(state)
    expect(kept).toEqual({ channels: 1, watched_channels: 1, bins_passed_over: 0, windows_refused: 0 })
    expect(windows).toBe(3)
    s.apply(state, closed(576 + (DAYS + 1) * 288, { posts: 1 }, false, 'other'))
    await settle()
    expect(s.gauges!(state)).toEqual({ ...none, windows: 3, channels: 2, watched_channels: 1 })
    s.apply(state, closed(577 + (DAYS + 2) * 288, { posts: 1 }, false, 'other'))
    await settle()
    expect(s.gauges!(state)).toEqual({ ...none, windows: 1, channels: 1, watched_channels: 0 })
  })
})

describe('a channel of which nothing is said any more', () => {
  // As one that is followed no more: it falls silent without being idle, with an onset open or after its bins were masked.
  const awake = sleeper('tea', 1).slice(0, 578)
  const left = [
    ...awake,
    ...Array.from({ length: 300 }, (_, i) => closed(577 + i, { posts: 0 }, true, 'tea')),
  ]

  it(`is forgotten after ${DAYS} days, whatever it was when it fell silent`, async () => {
    for (const inputs of [awake, left]) {
      const s = stage()
      const state = s.initial(0)
      for (const input of inputs) s.apply(state, input)
      const end = 576 + Math.max(1, inputs.length - 577)
      s.apply(state, closed(end + (DAYS + 1) * 288, { posts: 1 }, false, 'other'))
      expect(s.gauges!(state).channels).toBe(2)
      s.apply(state, closed(end + (DAYS + 3) * 288, { posts: 1 }, false, 'other'))
      await s.settle(state, () => {})
      expect(s.gauges!(state)).toMatchObject({ channels: 1, watched_channels: 0 })
    }
  })

  it('has ended its alerts before by masked bins, and else ends them when it is forgotten', async () => {
    const clock = [1, 3].map((days) => closed(900 + (DAYS + days) * 288, { posts: 1 }, false, 'other'))
    const events = async (inputs: Input[]) =>
      alerts(await drive(stage(), inputs)).map(({ event, reason, time }) => ({ event, reason, time }))
    const masked = await events(left)
    expect(masked.at(-1)).toMatchObject({
      event: 'resolved',
      reason: expect.stringMatching(/^coverage-lost: posts could not be judged for 24 hours/),
    })
    expect(await events([...left, ...clock])).toEqual(masked)

    const open = await events(awake)
    expect(open.map(({ event }) => event)).toEqual(['opened'])
    const ended = [
      ...open,
      { event: 'resolved', reason: expect.stringMatching(/^coverage-lost/), time: open[0]!.time },
    ]
    expect(await events([...awake, ...clock])).toMatchObject([
      ...open,
      { event: 'resolved', reason: expect.stringMatching(/^coverage-lost: nothing was said/) },
    ])
    // So it is where it is heard of again before the clock has passed.
    const again = await events([...awake, closed(577 + DAYS * 288, { posts: 8 }, false, 'tea')])
    expect(again).toEqual(await events([...awake, ...clock]))
    expect(again).toHaveLength(ended.length)
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

  it('go that have been idle or unspoken of for a day, where more than half of the room is taken', async () => {
    const through = async (mostChannels: number) => {
      const s = detectStage({ run: 'test', scoring, settings: quick, mostChannels })
      const state = s.initial(0)
      const at = (bin: number, ...keys: string[]) => {
        for (const key of keys) s.apply(state, closed(bin, { posts: 1 }, false, key))
      }
      at(0, 'stays', 'idle', 'left', 'third')
      s.apply(state, idle('idle', 1))
      const left: string[][] = []
      for (let bin = 1; bin <= 300; bin++) {
        at(bin, 'stays', ...(bin < 100 ? ['third'] : []))
        // A day behind bin 1, and at the next hour.
        if ([287, 300].includes(bin)) left.push([...state.channels.byKey.keys()])
      }
      // There is room again.
      at(301, 'new')
      await s.settle(state, () => {})
      return { left, figures: s.gauges!(state) }
    }
    const all = ['stays', 'idle', 'left', 'third']
    const crowded = await through(4)
    expect(crowded.left).toEqual([all, ['stays', 'third']])
    expect(crowded.figures).toMatchObject({ channels: 3, bins_passed_over: 0 })
    expect((await through(8)).left).toEqual([all, all])
  })

  it('are so many in a run, of which each partition has its share', async () => {
    const figures = async (partitions: number, mostChannels: number) => {
      const stage = detectStage({ run: 'test', scoring, partitions, mostChannels })
      const pipeline = createPipeline([stage], { partitions })
      const bins = Array.from({ length: 120 }, (_, i) => closed(0, { posts: 1 }, false, `channel ${i}`))
      await pipeline.write('counts', bins)
      const { channels, bins_passed_over: passedOver } = pipeline.gauges('detect')
      return { channels, passedOver }
    }
    expect(await figures(4, 40)).toEqual({ channels: 40, passedOver: 80 })
    expect(await figures(1, 40)).toEqual({ channels: 40, passedOver: 80 })
    expect(await figures(4, 400)).toEqual({ channels: 120, passedOver: 0 })
  })
})

describe('windows', () => {
  it('are so many in a run, of which each partition has its share: what finds no room is not judged, which is shown', async () => {
    const partitions = 2
    const busy = Array.from({ length: 150 }, (_, bin) =>
      Array.from({ length: 12 }, (_, i) => closed(bin, { posts: 20 }, false, `channel ${i}`)),
    ).flat()
    const through = async (mostWindows: number) => {
      const stage = detectStage({ run: 'test', scoring, settings: quick, partitions, mostWindows })
      const pipeline = createPipeline([stage], { partitions })
      const outputs = await pipeline.write('counts', busy)
      const judged = new Set(signals(outputs, 'posts').filter((s) => s.score !== null))
      const { windows, windows_refused: refused } = pipeline.gauges('detect')
      return { windows: windows!, refused: refused!, judged: judged.size }
    }
    const all = await through(1000)
    expect(all).toMatchObject({ windows: 36, refused: 0 })
    const some = await through(12)
    expect(some.windows).toBe(12)
    expect(some.refused).toBeGreaterThan(0)
    expect(some.judged).toBeGreaterThan(0)
    expect(some.judged).toBeLessThan(all.judged)
  })

  it('give their room to others when they are kept no longer', () => {
    const s = detectStage({ run: 'test', scoring, mostWindows: 3 })
    const state = s.initial(0)
    const kept = () =>
      [...state.channels.byKey.values()].reduce((sum, channel) => sum + windowsOf(channel), 0)
    for (let bin = 0; bin < 100; bin++) s.apply(state, closed(bin, { posts: 20 }, false, 'first'))
    for (let bin = 100; bin < 6000; bin++) {
      s.apply(state, closed(bin, { posts: 0 }, false, 'first'))
      s.apply(state, closed(bin, { posts: 20 }, false, 'second'))
      if (bin === 200) expect(windowsOf(state.channels.byKey.get('first')!)).toBeGreaterThan(0)
      expect(state.channels.windows.kept).toBe(kept())
    }
    expect(windowsOf(state.channels.byKey.get('second')!)).toBeGreaterThan(0)
    expect(s.gauges!(state).windows).toBeLessThanOrEqual(3)
  })
})
