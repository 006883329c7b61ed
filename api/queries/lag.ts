/** How far every consumer group is behind, in records and in seconds: what an operator looks at. */
import { FcmError } from '../../common/errors.ts'
import type { EventLog } from '../../pipeline/log/port.ts'
import { groupOf, ROLES, topicOf, topology } from '../../pipeline/topology.ts'
import type { Lag } from '../contracts/ops.ts'

/** Questions that are under way at a time: a cluster is far, and answers many at once. */
const SIDE_BY_SIDE = 16

/** `first`: offset of the oldest record that is kept. */
export type Behind = Lag & { first: number; hasCommitted: boolean }

/**
 * Lag of every group of a run in every partition that it reads, by group, topic and partition. A group that has never
 * committed is as far behind as can be, not absent: a stage that never started is the lag that must be seen.
 * Records that compaction took out of the middle still count; those that retention deleted don't.
 */
export const lagOf = async (log: EventLog, run: string, now: () => number): Promise<Lag[]> =>
  (await behindIn(log, run, now)).map(({ first: _, hasCommitted: __, ...row }) => row)

/** As `lagOf`, with what metrics tell besides. */
export async function behindIn(log: EventLog, run: string, now: () => number): Promise<Behind[]> {
  const prefix = `fcm.${run}.`
  const [topics, groups] = await Promise.all([log.topics(prefix), log.groups(prefix)])
  const existing = new Set(topics.map((topic) => topic.name))
  const readers = new Map<string, { group: string; topic: string }>()
  for (const role of ROLES) {
    for (const name of topology[role].reads) {
      const reader = { group: groupOf(run, role), topic: topicOf(run, name) }
      readers.set(`${reader.group} ${reader.topic}`, reader)
    }
  }
  const ours = new Set(ROLES.map((role) => groupOf(run, role)))
  // A role's group may have read other topics in an older release; it never will again.
  for (const reader of groups)
    if (!ours.has(reader.group)) readers.set(`${reader.group} ${reader.topic}`, reader)
  const wanted = [...readers]
    .filter(([, { topic }]) => existing.has(topic))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, reader]) => reader)

  // Committed first: a commit between the two calls then makes a lag too great, never one below zero.
  const committed = await sideBySide(wanted, ({ group, topic }) => log.committed(group, topic))
  const read = [...new Set(wanted.map(({ topic }) => topic))]
  const ends = new Map(await sideBySide(read, async (topic) => [topic, await log.ends(topic)] as const))
  const places = wanted.flatMap((reader, i) =>
    ends.get(reader.topic)!.map(({ partition, first, next }) => {
      const offset = committed[i]!.get(partition)
      const from = Math.max(first, offset ?? first)
      return { ...reader, partition, first, next, offset, from, records: Math.max(0, next - from) }
    }),
  )
  // Groups that stand at the same record are many, and asking for it is what takes long.
  const oldest = new Map<string, { topic: string; partition: number; from: number }>()
  const nameOf = ({ topic, partition, from }: (typeof places)[number]) => `${topic}/${partition}/${from}`
  for (const place of places) if (place.records > 0) oldest.set(nameOf(place), place)
  const times = new Map(
    await sideBySide([...oldest], async ([name, { from, topic, partition }]) => {
      const time = await timeOf(log, { topic, partition }, from)
      return [name, time] as const
    }),
  )
  return places.map((place) => {
    const { group, topic, partition, first, next, offset, records } = place
    const time = times.get(nameOf(place))
    return {
      ...{ run, group, topic, partition, committed: offset ?? first, end: next, records },
      seconds: time === undefined ? 0 : Math.max(0, (now() - time) / 1000),
      ...{ first, hasCommitted: offset !== undefined },
    }
  })
}

/** The results in order, with so many under way at a time as `SIDE_BY_SIDE` says. */
async function sideBySide<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  let at = 0
  const worker = async (): Promise<void> => {
    while (at < items.length) {
      const mine = at++
      results[mine] = await work(items[mine]!)
    }
  }
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, worker))
  return results
}

/** Append time of the first record kept at or behind `from`. */
async function timeOf(
  log: EventLog,
  tp: { topic: string; partition: number },
  from: number,
): Promise<number | undefined> {
  try {
    for await (const record of log.read(tp, from)) return record.time
  } catch (error) {
    // Retention took it since its offset was asked for: then nobody will read it any more.
    if (!(error instanceof FcmError && error.code === 'OFFSET_OUT_OF_RANGE')) throw error
  }
  return undefined
}
