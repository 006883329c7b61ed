import type { FcmRecord } from '../../../schemas/records.ts'
import type { Sink } from './sink.ts'

/** A sink in memory: what it holds, by identity. `refuse` says why it can't hold a record; null: it can. */
export function memorySink(
  refuse: (record: FcmRecord) => string | null = () => null,
): Sink & { held: Map<string, FcmRecord> } {
  const held = new Map<string, FcmRecord>()
  return {
    ...{ name: 'store', urgent: ['alerts'], gatherMs: 0, held },
    async write(records) {
      const rejected: { index: number; why: string }[] = []
      for (const [index, { key, record }] of records.entries()) {
        const why = refuse(record)
        if (why !== null) rejected.push({ index, why })
        else {
          const identity = `${key} ${identityOf(record)}`
          if (!held.has(identity)) held.set(identity, record)
        }
      }
      return { rejected }
    },
  }
}

/** What a record is known by (DESIGN, rule 7), as far as those of a stage go. */
function identityOf(record: FcmRecord): string {
  switch (record.type) {
    case 'AlertEvent':
      return `alert ${record.fingerprint} ${record.sequence}`
    case 'Signal':
      return `signal ${record.measure} ${record.resolution} ${record.start}`
    case 'BinClosed':
      return `bin ${record.start} ${record.bins.map(({ measure }) => measure)}`
    case 'Milestone':
      return `milestone ${record.measure} ${record.start} ${record.n}`
    case 'Idle':
    case 'Unknown':
      return `${record.type} ${record.measure} ${record.from}`
    case 'Late':
      return `late ${record.measure} ${record.start} ${record.count}`
    default:
      return JSON.stringify(record)
  }
}
