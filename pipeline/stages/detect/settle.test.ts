import { describe, expect, it } from 'vitest'
import { BASE } from '../../../common/time.ts'
import { ROW } from '../../../models/cnn-lstm/inputs.ts'
import type { InputOf } from '../../runtime/stage.ts'
import { drive, type Output } from '../../testing/drive.ts'
import { detectStage } from './detect.ts'
import { alerts, quick, START, scoring, steady, streams, talk } from './testing.ts'

type Input = InputOf<'detect'>

/** A stage whose scores come when they are asked to; `asked` holds the rows of each question that is open. */
function slowly() {
  const asked: { rows: number; answer(): void }[] = []
  const stage = detectStage({
    run: 'test',
    settings: quick,
    scoring: {
      model: scoring.model,
      score: (rows) =>
        new Promise((resolve) => {
          asked.push({ rows: rows.length / ROW, answer: () => resolve(scoring.score(rows)) })
        }),
    },
  })
  return { stage, asked }
}

const turn = () => new Promise((wake) => setImmediate(wake))
const surge = { ratio: (bin: number) => (bin > 120 && bin < 160 ? 0.97 : 0.3), drive: () => 6 }
const milestone = (key: string, bin: number, n: number): Input => ({
  key,
  record: { type: 'Milestone', measure: 'posts', start: START + bin * BASE, seconds: 300, n, time: START },
})

/** All outputs of `inputs`, the last of which are settled as one batch, step by step: `steps[i]` those before answer i. */
async function stepwise(inputs: Input[], last: number) {
  const { stage, asked } = slowly()
  const outputs: Output[] = []
  const emit = (topic: Output['topic'], key: string, record: Output['record']) =>
    void outputs.push({ topic, key, record })
  const state = stage.initial(0)
  for (const [i, input] of inputs.entries()) {
    stage.apply(state, input)
    if (i >= inputs.length - last) continue
    const settled = stage.settle(state, emit)
    for (let done = false; !done; ) {
      await turn()
      for (const { answer } of asked.splice(0)) answer()
      done = await Promise.race([settled.then(() => true), turn().then(() => false)])
    }
  }
  outputs.length = 0
  const steps: { rows: number; outputs: Output[] }[] = []
  const settled = stage.settle(state, emit)
  for (;;) {
    await turn()
    const [question] = asked.splice(0)
    if (!question) break
    steps.push({ rows: question.rows, outputs: [...outputs] })
    question.answer()
  }
  await settled
  return { steps, outputs }
}

describe('what waits for a score', () => {
  it('holds up its own channel only: what needs none is told before', async () => {
    const rising = talk('first', 140, surge, 'rising')
    const small = talk('small', 140, { ratio: () => 0.1, drive: () => 0.4 }, 'small')
    const inputs = [...rising.flatMap((input, i) => [input, small[i]!])]
    // One batch: the bins in which `rising` is warned of, then a jump of `small` and one of `rising` itself.
    const jumps = [milestone('small', 140, 64), milestone('rising', 140, 4096)]
    const { steps, outputs } = await stepwise([...inputs, ...jumps], 42)
    const told = (of: Output[]) => alerts(of).map((a) => a.kind)
    const early = steps[0]!.outputs
    expect(new Set(early.map(({ key, topic }) => `${topic} of ${key}`))).toEqual(new Set(['alerts of small']))
    expect(new Set(told(early))).toEqual(new Set(['onset']))
    // Of `rising`, what is found in the milestone comes behind what is found in the bins before it.
    const rest = told(outputs.filter(({ key }) => key === 'rising'))
    expect(new Set(rest)).toEqual(new Set(['early-warning', 'onset']))
    expect(rest).toEqual([...rest].sort())
  })

  it('is scored in two steps: first what may open or end an episode, and alerts go out; then the rest', async () => {
    const whole = alerts(
      await drive(detectStage({ run: 'test', scoring, settings: quick }), talk('first', 140, surge)),
    )
    const opened = (whole.find((a) => a.kind === 'early-warning')!.time - START) / BASE
    const calm = talk('calm', opened, steady, 'calm')
    const inputs = talk('first', opened, surge).flatMap((input, bin) => [calm[bin]!, input])
    const { steps, outputs } = await stepwise(inputs, 2)
    expect(steps).toHaveLength(2)
    const [first, second] = steps
    const all = outputs.filter(({ record }) => record.type === 'Signal' && record.score !== null).length
    expect(first!.rows + second!.rows).toBe(all)
    expect(first!.rows).toBeGreaterThan(0)
    expect(second!.rows).toBeGreaterThan(0)
    expect(first!.outputs).toEqual([])
    expect(alerts(second!.outputs).length).toBeGreaterThan(0)
    expect(alerts(second!.outputs)).toEqual(alerts(outputs))
    // A signal has its score, wherever it was made.
    expect(second!.outputs.filter(({ topic }) => topic === 'signals')).toEqual([])
  })

  it('makes no difference to what is told', async () => {
    const inputs = talk('first', 140, surge)
    const { outputs } = await stepwise(inputs, 140)
    const plain = detectStage({ run: 'test', scoring, settings: quick })
    const state = plain.initial(0)
    const expected: Output[] = []
    for (const input of inputs) {
      plain.apply(state, input)
      await plain.settle(state, (topic, key, record) => expected.push({ topic, key, record }))
    }
    expect(streams(outputs)).toEqual(streams(expected))
  })
})
