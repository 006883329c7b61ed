/** State of older versions in today's shape. */
import type { EarlyWarningEvidence, Evidence } from '../../../schemas/records.ts'
import { type Channel, type Channels, createChannels, windowsOf } from './channel.ts'
import type { Episode, Watch } from './episodes.ts'
import type { Scale, Series } from './series.ts'
import type { DetectState } from './state.ts'

/** 4: windows are counted. 3: channels are forgotten, what detectors keep is theirs, evidence names its detector, and a series supports an episode by its own baseline. */
export const VERSION = 4

type Figures = Omit<EarlyWarningEvidence, 'detector'>
type Voice = { evidence: Figures; calm: number; judged: number; exitBins: number; level: number }
type Kind = 'early-warning' | 'onset' | 'collapse'
type Watch2 = Omit<Watch, 'episode'> & {
  episode: (Omit<Episode, 'supports'> & { voices: Map<string, Voice> }) | null
}
type Scale2 = Omit<Scale, 'announced' | 'kept'> & {
  spoken: boolean
  surge: { level: number; since: number; calm: number } | null
}
type State2 = {
  channels: Map<
    string,
    Omit<Channel, 'series'> & { series: (Omit<Series, 'scales'> & { scales: Scale2[] })[] }
  >
  watches: Map<string, Record<Kind, Watch2>>
}

type State3 = Omit<DetectState, 'channels'> & { channels: Omit<Channels, 'windows'> }

/** Null: it has to be rebuilt. */
export function migrate(state: unknown, version: number): DetectState | null {
  if (version === 2) return from3(from2(state as State2))
  return version === 3 ? from3(state as State3) : null
}

function from3({ channels, ...state }: State3): DetectState {
  const kept = [...channels.byKey.values()].reduce((sum, channel) => sum + windowsOf(channel), 0)
  return { ...state, channels: { ...channels, windows: { kept, refused: 0 } } }
}

function from2({ channels, watches }: State2): State3 {
  return {
    channels: {
      ...createChannels(),
      byKey: new Map(
        [...channels].map(([key, channel]) => [
          key,
          {
            ...channel,
            series: channel.series.map(
              (series) => series && { ...series, scales: series.scales.map(scaleOf2) },
            ),
          },
        ]),
      ),
    },
    // A checkpoint is made when all has been decided.
    queue: [],
    watches: new Map(
      [...watches].map(([key, kinds]) => [
        key,
        Object.fromEntries(
          (Object.entries(kinds) as [Kind, Watch2][]).map(([kind, watch]) => [kind, watchOf2(kind, watch)]),
        ),
      ]),
    ),
  }
}

const scaleOf2 = ({ spoken, surge, ...scale }: Scale2): Scale => ({
  ...scale,
  announced: spoken,
  kept: surge ? { onset: surge } : {},
})

function watchOf2(kind: Kind, watch: Watch2): Watch {
  if (!watch.episode) return { ...watch, episode: null }
  const { voices, ...episode } = watch.episode
  const supports = [...voices].map(([key, { evidence, level, ...voice }]) => {
    const { measure, resolution } = evidence
    const baseline = kind === 'collapse' ? level : null
    return [key, { measure, resolution, ...voice, evidence: evidenceOf2(kind, evidence), baseline }] as const
  })
  return { ...watch, episode: { ...episode, supports: new Map(supports) } }
}

function evidenceOf2(detector: Kind, figures: Figures): Evidence {
  const { variance, autocorrelation, score, ...common } = figures
  switch (detector) {
    case 'early-warning':
      return { detector, ...common, variance, autocorrelation, score }
    case 'onset':
      return { detector, ...common }
    case 'collapse':
      return { detector, ...common, variance, autocorrelation }
  }
}
