/** Adds the partitions' shares of each network bin, once all have spoken, into the bins of the series `<measure>:*`. */
import { BASE, BASE_SECONDS } from '../../common/time.ts'
import { type Count, type Measure, type MeasureBin, NETWORK, type Partial } from '../../schemas/records.ts'
import type { Stage } from '../runtime/stage.ts'
import { close, type Line, newLine } from './lifecycle.ts'

/** A network bin covered by fewer of the followed channels than this is not judged. */
const ENOUGH_COVERED = 0.9

type Adding = { spoken: Set<number>; count: number; covered: number; followed: number }
type NetworkSeries = {
  line: Line
  /** All bins before this are written. */
  done: number
  open: Map<number, Adding>
}
export type SumState = { series: Map<Measure, NetworkSeries>; outbox: Count[] }

export const sumStage = (): Stage<'sum', SumState> => ({
  name: 'sum',
  version: 2,
  rebuild: 'aloud',
  initial: () => ({ series: new Map(), outbox: [] }),
  apply: (state, { record }) => add(state, record),
  async settle(state, emit) {
    for (const record of state.outbox) emit('counts', NETWORK, record)
    state.outbox = []
  },
})

function add(state: SumState, { start, partition, partitions, sums }: Partial): void {
  const bins: MeasureBin[] = []
  const after: Count[] = []
  for (const { measure, count, covered, followed } of sums) {
    let series = state.series.get(measure)
    if (!series) {
      series = { line: newLine(), done: Number.NEGATIVE_INFINITY, open: new Map() }
      state.series.set(measure, series)
    }
    if (start < series.done) continue
    const bin = series.open.get(start) ?? { spoken: new Set(), count: 0, covered: 0, followed: 0 }
    if (bin.spoken.has(partition)) continue
    series.open.set(start, bin)
    bin.spoken.add(partition)
    bin.count += count
    bin.covered += covered
    bin.followed += followed
    if (bin.spoken.size < partitions) continue

    // Each partition speaks in order of time, so the bins are completed in that order too; and one that some have spoken of
    // before others began will never be.
    for (const other of series.open.keys()) if (other <= start) series.open.delete(other)
    series.done = start + BASE
    const share = bin.followed === 0 ? 0 : bin.covered / bin.followed
    const masked = share < ENOUGH_COVERED
    const said = close(series.line, start, bin.count, masked)
    if (said === 'bin' || said === 'last') bins.push({ measure, count: bin.count, covered: share, masked })
    if (said === 'last') after.push({ type: 'Idle', measure, from: start + BASE })
    if (said === 'unknown') {
      after.push({
        type: 'Unknown',
        measure,
        from: start,
        to: start + BASE,
        reason: 'too few channels covered',
      })
    }
  }
  if (bins.length > 0) state.outbox.push({ type: 'BinClosed', start, seconds: BASE_SECONDS, bins })
  state.outbox.push(...after)
}
