/** What could not be processed in a run, by where it comes from: what an operator looks at first. */
import { FcmError } from '../../common/errors.ts'
import { iso } from '../../common/time.ts'
import { ARCHIVE_KEY, type DeadLetter, parseDeadLetter } from '../../pipeline/log/dead-letter.ts'
import type { EventLog, PartitionEnds } from '../../pipeline/log/port.ts'
import { ROLES, topicOf } from '../../pipeline/topology.ts'
import type { DeadLetters } from '../contracts/ops.ts'

/** Of a partition no more records than these are read at once, nor more bytes: one may have megabytes. */
const MOST = 1000
const MOST_BYTES = 32 * 2 ** 20
/** Of records whose size isn't known yet. */
const FIRST = 8

/** Counts the last dead letters of a run, those that were put there twice once. */
export async function deadLettersOf(log: EventLog, run: string): Promise<DeadLetters> {
  const topic = topicOf(run, 'dead-letters')
  const isThere = (await log.topics(topic)).some(({ name }) => name === topic)
  const ends = isThere ? await log.ends(topic) : []
  const groups = new Map<string, { topic: string; role: string; count: number; time: number; why: string }>()
  const told = new Set<string>()
  let read = 0
  for (const end of ends) {
    for (const { time, letter } of await lastOf(log, topic, end)) {
      read++
      if (!letter || told.has(letter.source)) continue
      told.add(letter.source)
      const { origin, reason } = letter
      const from = 'topic' in origin ? origin.topic.slice(origin.topic.lastIndexOf('.') + 1) : ARCHIVE_KEY
      // Who reads a topic says so in the reason; the lines of an archive are read by the source.
      const role = ROLES.find((name) => reason.startsWith(`${name}: `)) ?? 'source'
      const why = reason.startsWith(`${role}: `) ? reason.slice(role.length + 2) : reason
      const group = groups.get(`${from} ${role}`) ?? { topic: from, role, count: 0, time, why }
      groups.set(`${from} ${role}`, {
        ...group,
        count: group.count + 1,
        ...(time >= group.time && { time, why }),
      })
    }
  }
  return {
    items: [...groups.values()]
      .sort((a, b) => b.time - a.time)
      .map(({ time, why, ...group }) => ({ ...group, lastAt: iso(time), lastWhy: why })),
    read,
    total: ends.reduce((sum, { first, next }) => sum + next - first, 0),
  }
}

type Buried = { time: number; letter: DeadLetter | null }

/** The last ones of a partition, in order: read back from its end, a stretch at a time, and kept without their bytes. */
async function lastOf(log: EventLog, topic: string, { partition, first, next }: PartitionEnds) {
  let found: Buried[] = []
  let bytes = 0
  for (let to = next, size = FIRST; to > first && next - to < MOST && bytes < MOST_BYTES; ) {
    const from = Math.max(first, next - MOST, to - size)
    const stretch: Buried[] = []
    try {
      for await (const rec of log.read({ topic, partition }, from)) {
        if (rec.offset >= to) break
        bytes += rec.value?.length ?? 0
        stretch.push({ time: rec.time, letter: parseDeadLetter({ ...rec, value: null }) })
      }
    } catch (error) {
      // Retention has taken it meanwhile.
      if (!(error instanceof FcmError && error.code === 'OFFSET_OUT_OF_RANGE')) throw error
      break
    }
    found = [...stretch, ...found]
    to = from
    const meanBytes = Math.max(1, bytes / (next - to))
    size = Math.max(FIRST, Math.floor((MOST_BYTES - bytes) / meanBytes))
  }
  return found
}
