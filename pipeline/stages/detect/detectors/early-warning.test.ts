import { describe, expect, it } from 'vitest'
import { BASE } from '../../../../common/time.ts'
import { PREPROCESSING } from '../../../../models/early-warning/tracker.ts'
import { createRandom } from '../../../../models/random.ts'
import type { InputOf } from '../../../runtime/stage.ts'
import { drive } from '../../../testing/drive.ts'
import { detectStage } from '../detect.ts'
import { alerts, masked, openedBy, quick, START, scoring, signals, stage, talk } from '../testing.ts'
import { earlyWarning } from './early-warning.ts'

type Input = InputOf<'detect'>

describe('early warning', () => {
  const surging = { ratio: (bin: number) => (bin > 120 && bin < 160 ? 0.97 : 0.3), drive: () => 6 }
  const gapFrom = (from: number, to: number) => (input: Input, bin: number) =>
    bin >= from && bin < to ? masked(input) : input

  it('is not over because a gap keeps it from being judged', async () => {
    const inputs = talk('first', 220, surging)
    const isWarning = (a: { kind: string }): boolean => a.kind === 'early-warning'
    const [opened] = alerts(await drive(stage(), inputs)).filter(isWarning)
    const bin = (opened!.time - START) / BASE
    const outputs = await drive(stage(), inputs.map(gapFrom(bin + 1, bin + 31)))
    const { measure, start } = openedBy(opened)
    const unjudged = signals(outputs, measure).filter(
      (s) => s.start > start && s.p === null && s.decision !== 'masked',
    )
    expect(unjudged.length).toBeGreaterThan(6)
    for (const s of unjudged) {
      expect(s).toMatchObject({
        decision: 'insufficient',
        reason: expect.stringMatching(/^early-warning can't be judged: too little of its window is covered$/),
      })
    }
    const resolved = alerts(outputs).find((a) => isWarning(a) && a.event === 'resolved')!
    expect(resolved.fingerprint).toBe(opened!.fingerprint)
    expect(resolved.time).toBeGreaterThan(unjudged.at(-1)!.start + 6 * BASE)
  })

  it('that could not be judged is told of where something else was found', async () => {
    const dropping = { ratio: () => 0, drive: (bin: number) => (bin < 161 ? 20 : 0.05) }
    const inputs = talk('dropping', 170, dropping).map(gapFrom(130, 160))
    const found = signals(await drive(stage(), inputs), 'posts').find((s) => s.start === START + 161 * BASE)!
    expect(found).toMatchObject({ decision: 'opened', p: null })
    expect(found.reason).toMatch(/^collapse: so few have a chance of .*; early-warning can't be judged: /)
  })

  it('says what was seen, how much of it, the thresholds, and where', async () => {
    const [opened] = alerts(await drive(stage(), talk('first', 220, surging))).filter(
      (a) => a.kind === 'early-warning',
    )
    const n = '-?[\\d.e-]+'
    expect(opened!.reason).toMatch(
      new RegExp(
        `^(posts|replies|casts) per 5 min: CNN-LSTM score ${n} \\(threshold ${n}, ${earlyWarning.settings.calibrated.bins} bins in a row; weights test\\). ` +
          `Lag-1 autocorrelation ${n} \\(usual ${n}, p ${n}\\), variance ${n} \\(usual ${n}, p ${n}\\), together with ` +
          `their trends p ${n} \\(threshold ${n}; against a null of this rate, dispersion and memory\\), in a window ` +
          `${n} sd busier than expected \\(threshold ${n} sd busier\\); saw \\d+, expected ${n}$`,
      ),
    )
  })
})

describe('preset classic', () => {
  it('warns exactly where a plain reading of the rule does', async () => {
    const random = createRandom('classic')
    const surges = Array.from({ length: 6 }, (_, i) => 300 + i * 300 + random.int(100))
    const ratio = (bin: number): number => (surges.some((s) => bin >= s && bin < s + 50) ? 1.02 : 0.2)
    const impatient = { ...quick, cooldownHours: 0 }
    const classic = detectStage({ run: 'test', scoring, preset: 'classic', settings: impatient })
    const outputs = await drive(classic, talk('classic', 2200, { ratio, drive: () => 8 }))
    const casts = signals(outputs, 'casts').filter((s) => s.variance !== null)
    const { sds, autocorrelation } = earlyWarning.settings.classic
    const meets = casts.map((s, i) => {
      const before = casts.slice(Math.max(0, i - 4 * PREPROCESSING.window), i).map((b) => b.variance!)
      if (before.length < 4 * PREPROCESSING.window) return false
      const mean = before.reduce((sum, v) => sum + v, 0) / before.length
      const sd = Math.sqrt(before.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (before.length - 1))
      return s.variance! > mean + sds * sd && s.autocorrelation! > autocorrelation
    })
    // From here on the plain reading has its history too.
    const compared = casts.map((s, i) => ({ s, meets: meets[i]! })).slice(5 * PREPROCESSING.window)
    const spoke = (s: (typeof casts)[number]) => s.decision === 'opened' || s.decision === 'held'
    expect(compared.filter((c) => c.meets).length).toBeGreaterThan(5)
    for (const c of compared) if (c.meets) expect(spoke(c.s)).toBe(true)
    for (const c of compared)
      if (c.s.decision === 'opened' && c.s.reason.startsWith('early')) expect(c.meets).toBe(true)
    const opened = alerts(outputs).find((a) => a.kind === 'early-warning')!
    expect(opened).toMatchObject({
      preset: 'classic',
      reason: expect.stringMatching(/above its mean over the preceding 4 windows \(threshold 2.5\)/),
    })
  })
})
