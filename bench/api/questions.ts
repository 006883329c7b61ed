/** What is asked of the query API, question by question: what lists, overview and pages of alerts ask. */
import { createRandom } from '../../models/random.ts'
import type { Size } from './seed.ts'

/** Asks a path of the API: its answer. */
export type Ask = (path: string) => Promise<{ next: string | null }>

const iso = (time: number): string => new Date(time).toISOString().replace('.000Z', 'Z')
const DAY = 86_400_000
const query = (parts: Record<string, string>): string => `${new URLSearchParams(parts)}`

/** Each with a way to draw the next of its kind, over what `seed` has made up to `now`, ms. `ids`: of some alerts. */
export function questionsOf(
  ids: readonly string[],
  size: Size,
  now: number,
  ask: Ask,
): Record<string, () => string | Promise<string>> {
  const random = createRandom('questions')
  const someDay = (): number => now - (1 + random.int(size.days - 2)) * DAY
  const ofDay = (day: number) => query({ from: iso(day), to: iso(day + DAY) })
  const someChannel = (): string =>
    `https://example.org/channel/${1 + random.int(Math.min(190, size.channels))}`
  const someSeries = (): string => `/v1/series/${encodeURIComponent(`casts:${someChannel()}`)}`
  const oneOf = (...all: string[]): string => all[random.int(all.length)]!
  return {
    'alerts, newest': () => '/v1/alerts',
    'alerts, 500 of them': () => '/v1/alerts?limit=500',
    'alerts, open': () => '/v1/alerts?state=open',
    'alerts by type and severity': () =>
      `/v1/alerts?${query({ type: oneOf('onset', 'collapse', 'early-warning'), severity: oneOf('low', 'medium', 'high') })}`,
    'alerts of a channel': () => `/v1/alerts?${query({ channel: someChannel() })}`,
    'alerts of a day': () => `/v1/alerts?${ofDay(someDay())}`,
    'alerts, all beyond the cap too': () => '/v1/alerts?all=true',
    'alerts, the next page': async () => {
      const span = { to: iso(someDay()) }
      const { next } = await ask(`/v1/alerts?${query(span)}`)
      return `/v1/alerts?${query({ ...span, cursor: next! })}`
    },
    'an alert': () => `/v1/alerts/${ids[random.int(ids.length)]}`,
    overview: () => '/v1/overview',
    channels: () => '/v1/channels',
    runs: () => '/v1/runs',
    series: () => '/v1/series',
    'series of a channel': () => `/v1/series?${query({ channel: someChannel() })}`,
    'counts of a day': () => `${someSeries()}/counts?${ofDay(someDay())}`,
    'signals of a day': () => `${someSeries()}/signals?${ofDay(someDay())}`,
    'casts of a channel': () => `/v1/channels/${encodeURIComponent(someChannel())}/casts`,
    gaps: () => '/v1/gaps',
    'the source': () => '/v1/ops/source',
  }
}
