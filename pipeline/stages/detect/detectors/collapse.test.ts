import { describe, expect, it } from 'vitest'
import { BASE, DAY } from '../../../../common/time.ts'
import { createRandom } from '../../../../models/random.ts'
import { drive } from '../../../testing/drive.ts'
import { detectStage } from '../detect.ts'
import {
  alerts,
  closed,
  evidenceOf,
  idle,
  masked,
  openedBy,
  quick,
  START,
  scoring,
  signals,
  stage,
  talk,
} from '../testing.ts'

describe('collapse', () => {
  const collapsing = (bins: number, back: number) => ({
    ratio: () => 0,
    drive: (bin: number) => (bin >= 120 && bin < back && bin < bins ? 0.05 : 20),
  })

  it('opens at once, holds while it is low, and is resolved when the usual is back', async () => {
    const outputs = await drive(stage(), talk('collapse', 200, collapsing(200, 150)))
    const events = alerts(outputs).filter((a) => a.kind === 'collapse')
    expect(events.map((e) => e.event)).toEqual([
      'opened',
      ...events.slice(1, -1).map(() => 'updated'),
      'resolved',
    ])
    const [opened] = events
    expect(opened).toMatchObject({
      sequence: 1,
      subject: { start: START + 120 * BASE },
      time: START + 121 * BASE,
      openedAt: START + 121 * BASE,
    })
    expect(opened!.fingerprint).toMatch(/^[0-9a-f]{32}$/)
    expect(opened!.reason).toMatch(
      /^(posts|casts) per 5 min: so few have a chance of .* \(threshold 0.0001\); saw 0, expected [\d.]+, [\d.]+ over weeks$/,
    )
    const resolved = events.at(-1)!
    expect(resolved.time).toBeGreaterThan(START + 150 * BASE)
    expect(resolved.time).toBeLessThan(START + 160 * BASE)
    expect(events.map((e) => e.sequence)).toEqual(events.map((_, i) => i + 1))
    const held = signals(outputs, openedBy(opened).measure).find((s) => s.start === START + 130 * BASE)!
    expect(held).toMatchObject({ decision: 'held', reason: expect.stringMatching(/^collapse: /) })
  })

  it('grows in severity with the evidence', async () => {
    const events = alerts(
      await drive(stage(), talk('grows', 200, { ratio: () => 0.5, drive: (bin) => (bin > 120 ? 0.05 : 20) })),
    )
    const collapse = events.filter((a) => a.kind === 'collapse')
    expect(collapse[0]).toMatchObject({ event: 'opened', severity: 'low' })
    const updated = collapse.filter((a) => a.event === 'updated')
    expect(updated[0]).toMatchObject({ severity: 'medium' })
    expect(updated[0]!.evidence).toHaveLength(2)
    expect(new Set(collapse.map((a) => a.fingerprint)).size).toBe(1)
  })

  it('does not open again during the cool-down', async () => {
    const twice = {
      ratio: () => 0,
      drive: (bin: number) => ((bin >= 120 && bin < 125) || (bin >= 150 && bin < 155) ? 0 : 20),
    }
    const outputs = await drive(stage(), talk('twice', 180, twice))
    expect(alerts(outputs).filter((a) => a.event === 'opened' && a.kind === 'collapse')).toHaveLength(1)
    const again = signals(outputs, 'casts').find((s) => s.start === START + 150 * BASE)!
    expect(again).toMatchObject({
      decision: 'suppressed',
      reason: expect.stringMatching(/suppressed by cool-down until 2026-01-05T/),
    })
    const impatient = detectStage({ run: 'test', scoring, settings: { ...quick, cooldownHours: 0 } })
    const opened = alerts(await drive(impatient, talk('twice', 180, twice))).filter(
      (a) => a.event === 'opened',
    )
    expect(opened.filter((a) => a.kind === 'collapse')).toHaveLength(2)
  })

  it('is frozen by masked bins, and ends as coverage-lost after 24 hours of them', async () => {
    const inputs = talk('frozen', 600, collapsing(600, 600)).map((input, bin) =>
      bin >= 130 ? masked(input) : input,
    )
    const outputs = await drive(stage(), inputs)
    const events = alerts(outputs).filter((a) => a.kind === 'collapse')
    const last = events.at(-1)!
    expect(last).toMatchObject({ event: 'resolved', reason: expect.stringMatching(/^coverage-lost/) })
    expect(last.time - (START + 130 * BASE)).toBe(DAY)
    expect(events.filter((a) => a.time > START + 131 * BASE && a !== last)).toEqual([])
  })

  it('is not held up by one series that can no longer be judged, while others go on', async () => {
    const impatient = detectStage({ run: 'test', scoring, settings: { ...quick, coverageLostHours: 12 } })
    const talked = (back: number) =>
      talk('large', 420, {
        ratio: () => 0.5,
        drive: (bin) => (bin >= 120 && bin < back ? 0.05 : 200),
      }).map((input, bin) => (bin >= 140 ? masked(input, undefined, ['posts']) : input))
    const resolvedOf = async (back: number) =>
      alerts(await drive(impatient, talked(back))).filter(
        (a) => a.kind === 'collapse' && a.event === 'resolved',
      )
    const [resolved, ...more] = await resolvedOf(150)
    expect(resolved).toMatchObject({
      time: START + (140 + 144) * BASE,
      reason: expect.stringMatching(/^coverage-lost: posts could not be judged for 12 hours/),
    })
    expect(evidenceOf(resolved).map((e) => e.measure)).toEqual(expect.arrayContaining(['posts', 'casts']))
    expect(more).toEqual([])
    // Those that still are low hold it open, for longer.
    const [later] = await resolvedOf(420)
    expect(later!.time).toBeGreaterThan(resolved!.time)
    expect(later!.reason).not.toMatch(/^coverage-lost/)
  })

  it('does not follow every burst: it is below the usual of weeks, and not just of hours', async () => {
    for (let run = 0; run < 5; run++) {
      const random = createRandom(`burst ${run}`)
      const inputs = (after: number) =>
        Array.from({ length: 720 }, (_, bin) =>
          closed(bin, { posts: random.poisson(bin < 600 ? 20 : bin < 612 ? 600 : after) }),
        )
      const opened = async (after: number) =>
        alerts(await drive(stage(), inputs(after))).filter(
          (a) => a.kind === 'collapse' && a.event === 'opened' && openedBy(a).start >= START + 612 * BASE,
        )
      expect(await opened(20)).toEqual([])
      expect(await opened(0.05)).toHaveLength(1)
    }
  })

  it('is resolved by idleness', async () => {
    const silent = talk('silent', 125, collapsing(125, 125))
    const outputs = await drive(stage(), [
      ...silent,
      ...(['posts', 'replies', 'casts'] as const).map((m) => idle(m, 125)),
    ])
    const last = alerts(outputs).at(-1)!
    expect(last).toMatchObject({
      kind: 'collapse',
      event: 'resolved',
      reason: expect.stringMatching(/^idle: /),
    })
    expect(last.time).toBe(START + 125 * BASE)
  })

  it('cannot happen where little is expected', async () => {
    const outputs = await drive(
      stage(),
      talk('small', 300, { ratio: () => 0, drive: (bin) => (bin > 150 ? 0 : 4) }),
    )
    expect(alerts(outputs).filter((a) => a.kind === 'collapse' && openedBy(a).resolution === 300)).toEqual([])
  })
})
