/** What holds for every detector, whatever it looks for: each is driven alone, over channels in which much happens. */
import { beforeAll, expect, it } from 'vitest'
import { createCodec } from '../../../../schemas/codec.ts'
import type { AlertEvent } from '../../../../schemas/records.ts'
import { type Drive, drive, type Output } from '../../../testing/drive.ts'
import { detectStage } from '../detect.ts'
import { defaults } from '../settings.ts'
import { alerts, eventful, quick, scoring, streams } from '../testing.ts'
import type { Bin, Detector } from './detector.ts'

export function detectorContract(detector: Detector): void {
  /** Bins as they were judged, with the baseline. */
  const judged: { bin: Bin; baseline: number | null }[] = []
  const listening: Detector = {
    ...detector,
    judge(bin, baseline, settings) {
      judged.push({ bin, baseline })
      return detector.judge(bin, baseline, settings)
    },
  }
  const settings = { ...defaults, preset: 'calibrated' as const, ...detector.settings, ...quick }
  const run = (options: Drive = {}): Promise<Output[]> =>
    drive(detectStage({ run: 'r', scoring, settings: quick, detectors: [listening] }), eventful(), options)
  let outputs: Output[]
  let told: AlertEvent[]
  beforeAll(async () => {
    outputs = await run()
    told = alerts(outputs)
  })

  it('has a kind, settings of its own, and a hook for each need', () => {
    expect(detector.kind).toMatch(/^[a-z][a-z0-9-]{0,63}$/)
    for (const name of Object.keys(detector.settings)) expect(Object.keys(defaults)).not.toContain(name)
    expect(detector.dependsOnScore !== undefined).toBe(detector.needs.includes('score'))
    expect(detector.open !== undefined).toBe(detector.needs.includes('milestones'))
    if (detector.needs.includes('score')) expect(detector.needs).toContain('level')
    if (!detector.needs.includes('level')) expect(detector.open ?? detector.closed).toBeDefined()
  })

  it('warns, and no longer; each alert is of its kind, with its own evidence', () => {
    expect(told.map(({ event }) => event)).toEqual(expect.arrayContaining(['opened', 'resolved']))
    for (const { kind, evidence, reason } of told) {
      expect(kind).toBe(detector.kind)
      expect(reason).not.toBe('')
      expect(evidence.length).toBeGreaterThan(0)
      for (const e of evidence) {
        expect(e.detector).toBe(detector.kind)
        expect(e.reason).not.toMatch(/NaN|undefined/)
        const chances = 'figures' in e ? e.figures.flatMap((f) => (f.name === 'p' ? f.value : [])) : [e.p]
        for (const p of chances) {
          if (detector.p === null) expect(p).toBeNull()
          if (p === null) continue
          expect(p).toBeGreaterThanOrEqual(0)
          expect(p).toBeLessThanOrEqual(1)
        }
      }
    }
  })

  it('says what can be written and read', async () => {
    let ids = 0
    const codec = await createCodec({ register: async () => ++ids, schema: async () => ({}) })
    for (const record of told) expect(codec.decode(codec.encode(record))).toEqual(record)
  })

  it('finds the same in any batches, and after a restart from any state', async () => {
    const plain = streams(outputs)
    expect(streams(await run({ batch: 7 }))).toEqual(plain)
    expect(streams(await run({ batch: 1, restart: true }))).toEqual(plain)
  })

  it('is a function of the bin: judged twice, it says the same', () => {
    expect(judged.length).toBeGreaterThan(0)
    for (const { bin, baseline } of judged.slice(0, 500)) {
      const before = structuredClone(bin)
      const [a, b] = [1, 2].map(() => detector.judge(bin, baseline, settings))
      expect([a!.enter, a!.hold, a!.known, a!.brief()]).toEqual([b!.enter, b!.hold, b!.known, b!.brief()])
      detector.facts(bin, settings)
      expect(bin).toEqual(before)
    }
  })

  it('is not opened by any score where it says that nothing depends on it', () => {
    for (const { bin, baseline } of judged) {
      if (!bin.isScorable || detector.dependsOnScore?.(bin, false, settings)) continue
      const verdicts = [null, 0, 0.5, 1].map((score) => detector.judge({ ...bin, score }, baseline, settings))
      for (const { enter, known } of verdicts)
        expect([enter, known]).toEqual([verdicts[0]!.enter, verdicts[0]!.known])
    }
  })
}
