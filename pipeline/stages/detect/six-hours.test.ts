/** Bins of six hours are judged after 24 days only, so that nothing shorter sees what they do. */
import { beforeAll, describe, expect, it } from 'vitest'
import { DAY, HOUR } from '../../../common/time.ts'
import { ROW } from '../../../models/cnn-lstm/inputs.ts'
import { createRandom } from '../../../models/random.ts'
import { drive, type Output } from '../../testing/drive.ts'
import { detectStage } from './detect.ts'
import { alerts, closed, openedBy, START, signals } from './testing.ts'

const SIX = 21600
const DAYS = 32
/** Sure of everything: what the indicators say decides. */
const sure = {
  model: 'sure',
  score: async (rows: Float32Array) => new Float32Array(rows.length / ROW).fill(0.95),
}

/** A channel too small to be judged by the hour: 14 casts in six hours, `times` as many on a day. */
function small(times: (day: number) => number): Promise<Output[]> {
  const random = createRandom('six hours')
  const inputs = Array.from({ length: DAYS * 288 }, (_, bin) =>
    closed(bin, { casts: random.poisson(0.2 * times(bin / 288)) }),
  )
  return drive(detectStage({ run: 'test', scoring: sure }), inputs)
}

describe('bins of six hours', () => {
  let usual: Output[]
  beforeAll(async () => {
    usual = await small(() => 1)
  })

  it('are judged from 96 of them on, which is 24 days, in a channel that has them from the first', () => {
    const judged = signals(usual, 'casts', SIX).filter(({ decision }) => decision !== 'insufficient')
    expect(judged[0]!.start).toBe(START + 24 * DAY)
    expect(judged.map(({ start }) => start)).toEqual(judged.map((_, i) => START + 24 * DAY + i * 6 * HOUR))
    expect(judged).toHaveLength((DAYS - 24) * 4)
    for (const { expected, p, score } of judged) {
      expect(expected).toBeGreaterThan(3)
      expect(p).not.toBeNull()
      expect(score).not.toBeNull()
    }
  })

  it('can open an early warning, which two in a row must support, and not before', async () => {
    const outputs = await small((day) => (day < 24 ? 0.9 : 1.1))
    const opened = alerts(outputs).find(
      (a) => a.kind === 'early-warning' && openedBy(a).resolution === SIX && a.event === 'opened',
    )!
    expect(opened.time).toBeGreaterThanOrEqual(START + 24 * DAY + 12 * HOUR)
    expect(opened.reason).toMatch(/^casts per 6 h: CNN-LSTM score 0.95 \(threshold 0.9, 2 bins in a row/)
  })

  it('can open a collapse, and hold and end it', async () => {
    const outputs = await small((day) => (day >= 26 && day < 26.5 ? 0 : 1))
    const events = alerts(outputs).filter((a) => a.kind === 'collapse' && openedBy(a).resolution === SIX)
    expect(events[0]).toMatchObject({ event: 'opened', time: START + 26 * DAY + 6 * HOUR })
    expect(events[0]!.reason).toMatch(/^casts per 6 h: so few have a chance of/)
    expect(events.at(-1)!.event).toBe('resolved')
    const before = await small((day) => (day >= 20 && day < 20.5 ? 0 : 1))
    expect(
      alerts(before).filter(
        (a) => a.kind === 'collapse' && a.time < START + 21 * DAY && openedBy(a).resolution === SIX,
      ),
    ).toEqual([])
  })

  it('are never judged while they are open: an onset has shorter ones', () => {
    const open = alerts(usual).filter((a) => a.kind === 'onset')
    expect(open.filter((a) => openedBy(a).resolution === SIX)).toEqual([])
  })
})
