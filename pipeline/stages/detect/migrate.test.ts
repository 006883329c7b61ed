import { deserialize, serialize } from 'node:v8'
import { describe, expect, it } from 'vitest'
import type { FcmRecord } from '../../../schemas/records.ts'
import type { InputOf } from '../../runtime/stage.ts'
import { drive } from '../../testing/drive.ts'
import { migrate } from './migrate.ts'
import type { DetectState } from './state.ts'
import { alerts, filling, stage, talk } from './testing.ts'

type Input = InputOf<'detect'>
type Loose = Record<string, unknown>

/** The state as version 2 (commit 1695690) kept it. */
function version2({ channels, watches }: DetectState): unknown {
  const scale = ({ announced, kept, ...rest }: Loose) => ({
    ...rest,
    spoken: announced,
    surge: (kept as Loose).onset ?? null,
  })
  const series = (of: Loose | null) => of && { ...of, scales: (of.scales as Loose[]).map(scale) }
  const voice = ({ measure: _, resolution: __, baseline, evidence, ...rest }: Loose) => {
    const { detector: ___, ...figures } = evidence as Loose
    const all = { variance: null, autocorrelation: null, score: null, ...figures }
    return { ...rest, evidence: all, level: baseline ?? Number.NaN }
  }
  const watch = (of: Loose) => {
    if (!of.episode) return of
    const { supports, ...episode } = of.episode as Loose & { supports: Map<string, Loose> }
    return {
      ...of,
      episode: { ...episode, voices: new Map([...supports].map(([k, v]) => [k, voice(v)])) },
    }
  }
  const old = {
    channels: new Map(
      [...channels.byKey].map(([key, c]) => [
        key,
        { ...c, series: c.series.map((s) => series(s as Loose | null)) },
      ]),
    ),
    queue: [],
    watches: new Map(
      [...watches].map(([key, kinds]) => [
        key,
        Object.fromEntries(Object.entries(kinds).map(([kind, w]) => [kind, watch(w as unknown as Loose)])),
      ]),
    ),
  }
  return deserialize(serialize(old))
}

describe('state of version 2', () => {
  // What is open when it is migrated: an onset, a collapse, an early warning.
  const rising = { ratio: (bin: number) => (bin > 120 && bin < 160 ? 0.97 : 0.3), drive: () => 6 }
  const jumping = { ratio: () => 0, drive: (bin: number) => (bin >= 310 && bin < 330 ? 60 : 6) }
  const falling = { ratio: () => 0, drive: (bin: number) => (bin >= 120 && bin < 150 ? 0.05 : 20) }

  it.each([
    ['early-warning', talk('first', 220, rising)],
    ['onset', talk('jumping', 420, jumping).flatMap(filling)],
    ['collapse', talk('falling', 200, falling)],
  ])('goes on as it would have: in an open %s', async (kind, inputs: Input[]) => {
    const s = stage()
    const whole = await drive(s, inputs, { batch: 1 })
    const ofKind = alerts(whole).filter((a) => a.kind === kind)
    expect(ofKind.map((a) => a.event)).toEqual(expect.arrayContaining(['opened', 'resolved']))

    const records: FcmRecord[] = []
    let state = s.initial(0)
    let migrated = false
    for (const input of inputs) {
      s.apply(state, input)
      await s.settle(state, (_, __, record) => records.push(record))
      if (!migrated && records.some((r) => r.type === 'AlertEvent' && r.kind === kind)) {
        migrated = true
        state = migrate(version2(state), 2)!
      }
    }
    expect(migrated).toBe(true)
    expect(records).toEqual(whole.map(({ record }) => record))
  })

  it('goes on by way of version 3, which did not count windows', () => {
    const s = stage()
    const state = s.initial(0)
    for (const input of talk('first', 220, rising)) s.apply(state, input)
    state.queue = []
    expect(state.channels.windows.kept).toBeGreaterThan(0)
    const { windows: _, ...channels } = state.channels
    expect(migrate(deserialize(serialize({ ...state, channels })), 3)).toEqual(state)
    expect(migrate(version2(state), 2)!.channels.windows).toEqual(state.channels.windows)
  })

  it('of other versions is rebuilt', () => {
    expect(migrate({}, 1)).toBeNull()
  })
})
