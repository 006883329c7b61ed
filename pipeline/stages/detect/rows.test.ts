// For pipeline/stages/detect/rows.test.ts: the stream scores the very rows that training makes.
import { expect, test } from 'vitest'
import { BASE } from '../../../common/time.ts'
import { ROW } from '../../../models/cnn-lstm/inputs.ts'
import { drawSeries } from '../../../models/simulation/series/series.ts'
import { follow } from '../../../models/training/follow.ts'
import { detectStage } from './detect.ts'
import { scoring } from './testing.ts'

const MEASURES = ['posts', 'replies', 'casts'] as const

test('the rows that are scored are those that the network is trained on, bit for bit', () => {
  const drawn = drawSeries('rows', { family: 'hawkes', kind: 'tipping', mean: 9, history: 500, rest: 20 })
  // A gap of an hour and a half, and single bins.
  const masked = drawn.posts.map((_, bin) => Number(bin % 97 === 5 || (bin > 400 && bin < 418)))
  const series = { ...drawn, masked: Uint8Array.from(masked) }
  const stage = detectStage({ run: 'r', scoring })
  const state = stage.initial(0)
  const scored = new Map<string, Float32Array>()
  for (let bin = 0; bin < drawn.posts.length; bin++) {
    const [posts, replies] = [drawn.posts[bin]!, drawn.replies[bin]!]
    const counts = { posts, replies, casts: posts + replies }
    const bins = MEASURES.map((measure) => ({
      ...{ measure, count: counts[measure], covered: masked[bin] ? 0.5 : 1, masked: masked[bin] === 1 },
    }))
    const record = { type: 'BinClosed' as const, start: drawn.start + bin * BASE, seconds: 300, bins }
    stage.apply(state, { key: 'k', record })
    for (const item of state.queue.splice(0)) {
      if (item.kind === 'bin' && item.row && item.resolution === 300)
        scored.set(`${item.measure} ${bin}`, item.row)
    }
  }
  expect(scored.size).toBeGreaterThan(400)
  for (const measure of MEASURES) {
    for (const { bin, write } of follow(series, { measure, repliesKnown: true })) {
      const row = scored.get(`${measure} ${bin}`)
      if (!row) continue
      const trained = new Float32Array(ROW)
      write(trained, 0)
      expect([measure, bin, Buffer.from(row.buffer).equals(Buffer.from(trained.buffer))]).toEqual([
        measure,
        bin,
        true,
      ])
      scored.delete(`${measure} ${bin}`)
    }
  }
  expect([...scored.keys()]).toEqual([])
})
