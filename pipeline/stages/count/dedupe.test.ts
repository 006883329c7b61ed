import { describe, expect, test } from 'vitest'
import { BASE, DAY, HOUR, LATENESS } from '../../../common/time.ts'
import type { Late } from '../../../schemas/records.ts'
import { byKey, drive } from '../../testing/drive.ts'
import { countStage } from './count.ts'
import { bin, complete, completeBins, of, post, run, T0 } from './testing.ts'

describe('identity', () => {
  test('one cast read twice is one; two in one second are two', async () => {
    const outputs = await run([
      post('c', T0, 1, 'x'),
      post('c', T0, 1, 'x'),
      post('c', T0, 1, 'y'),
      complete(T0, T0 + BASE),
    ])
    expect(bin(outputs, T0, 'posts')?.count).toBe(2)
  })

  test('a repeat is recognised for 24 hours and L behind coverage, across restarts', async () => {
    const again = post('c', T0, 1, 'x')
    const inputs = [again, ...completeBins(T0, T0 + DAY), again]
    expect(of(await drive(countStage(), inputs, { batch: 1, restart: true }), 'Late')).toEqual([])
    const much = [again, ...completeBins(T0, T0 + DAY + LATENESS + HOUR), again]
    // By then nobody remembers: it is told apart from bins by having no start.
    expect(of(await run(much), 'Late').map((l: Late) => l.start)).toEqual([null, null, null])
  })

  test('coverage that repeats changes nothing', async () => {
    const inputs = [
      post('c', T0),
      complete(T0, T0 + BASE),
      post('c', T0 + BASE),
      complete(T0 + BASE, T0 + 2 * BASE),
    ]
    const repeated = [...inputs, inputs[1]!, inputs[3]!]
    expect(byKey(await run(repeated))).toEqual(byKey(await run(inputs)))
  })
})
