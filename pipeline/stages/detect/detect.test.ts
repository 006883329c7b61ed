import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BASE } from '../../../common/time.ts'
import type { BinClosed, Measure } from '../../../schemas/records.ts'
import type { InputOf } from '../../runtime/stage.ts'
import { drive } from '../../testing/drive.ts'
import { detectStage } from './detect.ts'
import {
  alerts,
  CHANNEL,
  eventful,
  masked,
  quick,
  START,
  scoring,
  signals,
  stage,
  steady,
  streams,
  talk,
  zeros,
} from './testing.ts'

type Input = InputOf<'detect'>

describe('results', () => {
  it('do not depend on batches, and every state can be restored', async () => {
    const inputs = eventful()
    const outputs = await drive(stage(), inputs, { batch: 1000 })
    const plain = streams(outputs)
    expect(alerts(outputs).map((a) => `${a.kind} ${a.event}`)).toEqual(
      expect.arrayContaining([
        'early-warning opened',
        'early-warning resolved',
        'collapse opened',
        'collapse resolved',
        'onset opened',
      ]),
    )
    expect(streams(await drive(stage(), inputs, { batch: 7 }))).toEqual(plain)
    expect(streams(await drive(stage(), inputs, { batch: 1, restart: true }))).toEqual(plain)
  })

  it('are the same when stretches of the input are delivered again', async () => {
    const inputs = eventful()
    const plain = streams(await drive(stage(), inputs))
    const stretches = fc.array(fc.tuple(fc.nat(inputs.length), fc.nat(150)), { maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(stretches, async (again) => {
        const repeated = [...inputs]
        // From the end, so that positions stay what they were.
        for (const [end, length] of again.sort(([a], [b]) => b - a)) {
          repeated.splice(end, 0, ...inputs.slice(Math.max(0, end - length), end))
        }
        expect(streams(await drive(stage(), repeated))).toEqual(plain)
      }),
      { numRuns: 8 },
    )
  })

  it('are the same when replies, and casts with them, close an hour after posts', async () => {
    const inputs = talk('polled', 700, { ratio: (bin) => (bin > 500 ? 0.9 : 0.4), drive: () => 6 })
    const of = (input: Input, measures: Measure[]): Input => {
      const record = input.record as BinClosed
      return {
        ...input,
        record: { ...record, bins: record.bins.filter((b) => measures.includes(b.measure)) },
      }
    }
    const posts = inputs.map((input) => of(input, ['posts']))
    const rest = inputs.map((input) => of(input, ['replies', 'casts']))
    const polled = posts.flatMap((input, i) => (rest[i - 14] ? [input, rest[i - 14]!] : [input]))
    const scores = async (all: Input[], resolution: number) =>
      signals(await drive(stage(), all), 'casts', resolution).map(({ start, score }) => [start, score])
    for (const resolution of [300, 3600]) {
      const delayed = await scores(polled, resolution)
      expect(delayed.length).toBeGreaterThan(resolution === 300 ? 500 : 0)
      expect(delayed).toEqual((await scores(inputs, resolution)).slice(0, delayed.length))
    }
  })

  it('of the past do not change with the future', async () => {
    const inputs = eventful()
    const all = streams(await drive(stage(), inputs))
    for (const n of [150, 833, 1700]) {
      const past = streams(await drive(stage(), inputs.slice(0, n)))
      expect(past.size).toBeGreaterThan(0)
      for (const [name, records] of past) expect(all.get(name)!.slice(0, records.length)).toEqual(records)
    }
  })

  it('do not depend on what was counted in masked bins', async () => {
    const inputs = talk('gaps', 400, steady)
    const gap = (bin: number): boolean => bin % 29 === 3 || (bin > 200 && bin < 215)
    const withCount = async (count: number) => {
      const outputs = await drive(
        stage(),
        inputs.map((input, bin) => (gap(bin) ? masked(input, count) : input)),
      )
      return outputs.map((o) =>
        o.record.type === 'Signal' && o.record.decision === 'masked' ? { ...o.record, count: 0 } : o,
      )
    }
    expect(await withCount(0)).toEqual(await withCount(999))
    const asZeros = inputs.map((input, bin) => (gap(bin) ? { ...masked(input, 0), ...zeros(input) } : input))
    expect(await drive(stage(), asZeros)).not.toEqual(await withCount(0))
  })

  it('are episodes, one at a time per channel and kind, each opened once and resolved at most once', async () => {
    const outputs = await drive(stage(), eventful())
    const open = new Map<string, string>()
    const sequences = new Map<string, number>()
    for (const { key, record: a } of outputs) {
      if (a.type !== 'AlertEvent') continue
      const watched = `${a.kind} ${key}`
      const sequence = sequences.get(a.fingerprint) ?? 0
      expect(a.sequence).toBe(sequence + 1)
      expect(a.event === 'opened').toBe(sequence === 0)
      expect(open.get(watched)).toBe(sequence === 0 ? undefined : a.fingerprint)
      sequences.set(a.fingerprint, a.sequence)
      if (a.event === 'resolved') open.delete(watched)
      else open.set(watched, a.fingerprint)
    }
    expect(sequences.size).toBeGreaterThan(1)
    const early = alerts(outputs).filter((a) => a.kind === 'early-warning')
    expect(early.some((a) => a.event === 'resolved' && a.reason.startsWith('back to usual for 6 bins'))).toBe(
      true,
    )
  })

  it('have no signals for idle time', async () => {
    const outputs = await drive(stage(), eventful())
    const within = outputs.filter(
      ({ key, record: s }) =>
        key === CHANNEL &&
        s.type === 'Signal' &&
        s.start >= START + 488 * BASE &&
        s.start < START + 600 * BASE,
    )
    // The hour and the six hours that the waking falls into end after it.
    expect(within.filter(({ record: s }) => s.type === 'Signal' && s.resolution === 300)).toEqual([])
  })

  it('name the settings that made them', async () => {
    const inputs = talk('settings', 110, steady)
    const [a] = signals(await drive(stage(), inputs))
    const [b] = signals(
      await drive(detectStage({ run: 'test', scoring, settings: { ...quick, cooldownHours: 7 } }), inputs),
    )
    expect(a!.settings).toMatch(/^[0-9a-f]{8}$/)
    expect(b!.settings).not.toBe(a!.settings)
  })
})
