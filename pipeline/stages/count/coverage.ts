import { BASE, floorTo } from '../../../common/time.ts'

/** Which time is decided, and which of it was covered. Spans are half-open, in ms, sorted and apart from each other. */
export type Span = { from: number; to: number }

/** What coverage says of one measure: all before `to` is decided; of that, `covered` was seen whole and the rest is a gap. */
export type Track = { to: number; covered: Span[] }

export const newTrack = (): Track => ({ to: Number.NEGATIVE_INFINITY, covered: [] })

/** Adds a span behind the track's end; what it repeats is known already. A hole before it is decided and not covered. */
export function extend(track: Track, from: number, to: number, covered: boolean): void {
  const begin = Math.max(from, track.to)
  if (begin >= to) return
  track.to = to
  if (!covered) return
  const last = track.covered.at(-1)
  if (last && last.to === begin) last.to = to
  else track.covered.push({ from: begin, to })
}

/** Forgets spans that ended before `time`. */
export function forget(track: Track, time: number): void {
  while (track.covered.length > 1 && track.covered[0]!.to < time) track.covered.shift()
}

/** The spans in both. */
export function intersect(a: readonly Span[], b: readonly Span[]): Span[] {
  const out: Span[] = []
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const from = Math.max(a[i]!.from, b[j]!.from)
    const to = Math.min(a[i]!.to, b[j]!.to)
    if (from < to) out.push({ from, to })
    if (a[i]!.to < b[j]!.to) i++
    else j++
  }
  return out
}

/** The spans in either. */
export function union(a: readonly Span[], b: readonly Span[]): Span[] {
  const out: Span[] = []
  for (const span of [...a, ...b].sort((x, y) => x.from - y.from)) {
    const last = out.at(-1)
    if (last && span.from <= last.to) last.to = Math.max(last.to, span.to)
    else out.push({ ...span })
  }
  return out
}

/** The bins in [from, to), which both are bounds of bins, that are not covered whole, as spans. */
export function uncovered(spans: readonly Span[], from: number, to: number): Span[] {
  const out: Span[] = []
  const addHole = (begin: number, end: number): void => {
    const first = floorTo(begin, BASE)
    const behind = floorTo(end + BASE - 1, BASE)
    const last = out.at(-1)
    if (last && first <= last.to) last.to = behind
    else out.push({ from: first, to: behind })
  }
  let coveredTo = from
  for (const span of spans) {
    if (span.to <= coveredTo) continue
    if (span.from >= to) break
    if (span.from > coveredTo) addHole(coveredTo, span.from)
    coveredTo = span.to
  }
  if (coveredTo < to) addHole(coveredTo, to)
  return out
}

/** The share, 0 to 1, of [from, to) that lies in `spans`. */
export function share(spans: readonly Span[], from: number, to: number): number {
  let inside = 0
  // From the newest: bins that close lie at the end.
  for (let i = spans.length - 1; i >= 0 && spans[i]!.to > from; i--) {
    inside += Math.max(0, Math.min(spans[i]!.to, to) - Math.max(spans[i]!.from, from))
  }
  return inside / (to - from)
}
