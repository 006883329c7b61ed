import { Command } from 'commander'
import { expect, test } from 'vitest'
import type { Compared } from '../../models/evaluation/bootstrap.ts'
import { type Evaluation, SCORE, SCORE_WITHOUT } from '../../models/evaluation/evaluate.ts'
import { report } from '../score-report.ts'
import { evaluateScore } from './evaluate.ts'

const estimate = (value: number, half: number) => ({ value, low: value - half, high: value + half })
/** `gap`: of the score, and of the score without replies, less this one. */
const entry = (name: string, value: number, gap: [number, number]): Compared => ({
  name,
  auc: estimate(value, 0.02),
  gaps: gap.map((x) => estimate(x, 0.01)),
})
const areas = (mean: number, gap: number): Evaluation['areas'][number] => ({
  family: 'contact',
  mean,
  series: 100,
  positives: 40,
  negatives: 160,
  compared: [
    entry(SCORE, 0.95, [0, -0.2]),
    entry(SCORE_WITHOUT, 0.75, [0.2, 0]),
    entry('last value', 0.65, [0.3, 0.1]),
    entry('CUSUM', 0.7, [0.25, gap]),
    entry('share of replies', 0.7, [0.25, 0.05]),
  ],
})
const evaluation = (gap: number): Evaluation => ({
  model: 'abcdef01',
  seed: 7,
  areas: [areas(3, gap), areas(30, 0.05)],
  kinds: [{ family: 'contact', kind: 'ramp', score: 0.9, without: 0.6 }],
  warned: [
    { family: 'contact', name: SCORE, quiet: 0.04, lookAlikes: 0.1, found: 0.805, leadHours: 1.75 },
    { family: 'contact', name: 'CUSUM', quiet: 0, lookAlikes: 0, found: 0, leadHours: Number.NaN },
  ],
  reliability: [
    { from: 0, to: 0.5, moments: 180, score: 0.04, tips: 0.05 },
    { from: 0.5, to: 1, moments: 0, score: Number.NaN, tips: Number.NaN },
  ],
})

test('the report says what was looked at, with intervals', () => {
  const text = report(evaluation(0.05))
  expect(text).toContain('Model abcdef01, series of seed 7')
  expect(text).toMatch(/^score +\.950 \(\.930-\.970\) +\.950/m)
  expect(text).toContain('3: 40/160 of 100; 30: 40/160 of 100')
  expect(text).toMatch(/^ramp +\.900 +\.600$/m)
  expect(text).toMatch(/^contact +score +81 % +1\.8 h +0\.04 +0\.10$/m)
  expect(text).toMatch(/^contact +CUSUM +0 % +- +0\.00 +0\.00$/m)
  expect(text).toMatch(/^0-0\.5 +180 +0\.040 +0\.050$/m)
  expect(text).not.toContain('NaN')
})

test('in words: which baselines it is above everywhere, and where it is not', () => {
  const better = report(evaluation(0.05))
  expect(better).toContain(
    'contact: the score is above each of the 3 baselines beyond the 95 % interval of the difference at 3, 30 per bin.',
  )
  // Without replies, a share of replies is no baseline.
  expect(better).toContain('contact: the score, replies unknown is above each of the 2 baselines')
  expect(report(evaluation(0.005))).toContain(
    'the score, replies unknown is above 1 of 2 baselines beyond the 95 % interval of the difference at 3, 30 per bin. Not at every mean above: CUSUM (3).',
  )
})

test.each([['--polled'], ['--networks', '0'], ['--series', '19']])('refuses %s %s', async (...options) => {
  const program = new Command()
  evaluateScore(program)
  await expect(program.parseAsync(['evaluate', ...options], { from: 'user' })).rejects.toMatchObject({
    code: 'OPTION_INVALID',
  })
})
