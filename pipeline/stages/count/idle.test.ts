import { describe, expect, test } from 'vitest'
import { BASE } from '../../../common/time.ts'
import type { Idle } from '../../../schemas/records.ts'
import { IDLE_BINS } from '../lifecycle.ts'
import { countStage } from './count.ts'
import { complete, completeBins, coverage, type Input, of, post, run, T0 } from './testing.ts'

describe('idle', () => {
  const quiet = (bins: number): Input[] => [post('c', T0), ...completeBins(T0, T0 + bins * BASE)]

  test('after 24 covered hours without an event one record stands for the zeros', async () => {
    const before = await run(quiet(IDLE_BINS))
    expect(of(before, 'Idle')).toEqual([])
    const outputs = await run(quiet(IDLE_BINS + 10))
    expect(of(outputs, 'BinClosed')).toHaveLength(IDLE_BINS + 1)
    const from = T0 + (IDLE_BINS + 1) * BASE
    expect(of(outputs, 'Idle').map((i: Idle) => [i.measure, i.from])).toEqual([
      ['posts', from],
      ['casts', from],
      ['participants', from],
    ])
  })

  test('gap hours are not covered hours', async () => {
    const outputs = await run([
      post('c', T0),
      complete(T0, T0 + BASE),
      coverage('*', 'gap', T0 + BASE, T0 + 11 * BASE),
      ...completeBins(T0 + 11 * BASE, T0 + (IDLE_BINS + 10) * BASE),
    ])
    expect(of(outputs, 'Idle')).toEqual([])
  })

  test('the next event wakes it, with nothing written in between but gaps', async () => {
    const asleep = T0 + (IDLE_BINS + 1) * BASE
    const outputs = await run([
      ...quiet(IDLE_BINS + 1),
      ...completeBins(asleep, asleep + 3 * BASE),
      coverage('*', 'gap', asleep + 3 * BASE, asleep + 5 * BASE),
      ...completeBins(asleep + 5 * BASE, asleep + 6 * BASE),
      post('c', asleep + 7 * BASE),
      ...completeBins(asleep + 6 * BASE, asleep + 8 * BASE),
    ])
    const later = of(outputs, 'BinClosed').filter((b) => b.start >= asleep)
    expect(later.map((b) => [b.start, b.bins[0]?.count])).toEqual([[asleep + 7 * BASE, 1]])
    expect(of(outputs, 'Unknown').filter((u) => u.measure === 'posts')).toEqual([
      {
        type: 'Unknown',
        measure: 'posts',
        from: asleep + 3 * BASE,
        to: asleep + 5 * BASE,
        reason: 'hub down',
      },
    ])
  })

  test('an idle channel costs nothing', async () => {
    const stage = countStage()
    const state = stage.initial(0)
    for (const input of quiet(2 * IDLE_BINS + 20)) stage.apply(state, input)
    expect(state.active.size).toBe(0)
    expect(state.channels.get('c')?.seen.size).toBe(0)
  })
})
