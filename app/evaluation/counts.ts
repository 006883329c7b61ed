/** What stage `detect` reads of a simulated network: as one sees it who sees all at once, or who polls. */
import { BASE } from '../../common/time.ts'
import { createStamp } from '../../connectors/farcaster/stamp.ts'
import { simulation } from '../../connectors/simulation/simulation.ts'
import { simulate } from '../../models/simulation/simulate.ts'
import type { Input } from '../../pipeline/runtime/stage.ts'
import { countStage } from '../../pipeline/stages/count/count.ts'
import { sumStage } from '../../pipeline/stages/sum.ts'
import { createPipeline } from '../../pipeline/testing/pipeline.ts'
import { MEASURES, type Measure, PARTS, ruleOf } from '../../schemas/measures.js'
import { type Coverage, NETWORK } from '../../schemas/records.ts'

/** Bin by bin, of the bins that begin before `to`, ms. */
export async function* countsOf(seed: number, to: number, polled = false): AsyncGenerator<Input[]> {
  const { stamp } = createStamp()
  const pipeline = createPipeline([countStage(), sumStage()])
  const ordered = polled ? pollingOrder() : (inputs: Input[]) => inputs
  for (const { start, messages } of simulate(simulation(seed))) {
    if (start >= to) return
    const activity: Input[] = messages.map((message) => {
      const { channel, record } = stamp(message)
      return { key: channel, record }
    })
    const outputs = await pipeline.write('activity', [...activity, { key: NETWORK, record: complete(start) }])
    yield ordered(outputs.filter(({ topic }) => topic === 'counts'))
  }
}

const complete = (start: number): Coverage => ({
  type: 'Coverage',
  status: 'complete',
  measures: [...PARTS],
  from: start,
  to: start + BASE,
  reason: null,
  partitions: 1,
})

/**
 * In which records a polling source closes measures, and how many bins late: replies and reactions are learned by asking for
 * each cast, hourly in the end, so that bins of them are known an hour and the allowed lateness after they are over.
 */
const POLLED: readonly { measures: readonly Measure[]; late: number }[] = [
  { measures: ['posts'], late: 0 },
  { measures: MEASURES.filter((m) => ruleOf(m).of.includes('replies')), late: 14 },
  { measures: ['reactions'], late: 14 },
]

/** Puts counts, given bin by bin as one sees them who sees all at once, into the order in which a polling source makes them. */
export function pollingOrder(): (inputs: readonly Input[]) => Input[] {
  const waiting = POLLED.map(({ late }) => Array.from({ length: late }, (): Input[] => []))
  return (inputs) => {
    const now: Input[] = []
    const parts = POLLED.map((): Input[] => [])
    for (const { key, record } of inputs) {
      if (record.type === 'BinClosed') {
        for (const [i, { measures }] of POLLED.entries()) {
          const bins = record.bins.filter(({ measure }) => measures.includes(measure))
          if (bins.length > 0) parts[i]!.push({ key, record: { ...record, bins } })
        }
      } else if (record.type === 'Idle' || record.type === 'Unknown') {
        parts[POLLED.findIndex(({ measures }) => measures.includes(record.measure))]!.push({ key, record })
      } else now.push({ key, record })
    }
    for (const [i, queue] of waiting.entries()) {
      queue.push(parts[i]!)
      now.push(...queue.shift()!)
    }
    return now
  }
}
