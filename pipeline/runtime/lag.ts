import type { EventLog } from '../log/port.ts'
import { groupOf, type Role, topicOf, topology } from '../topology.ts'

/** Records that roles of a run have not dealt with yet, over all they read. 0: each has seen all that the others wrote. */
export async function backlog(log: EventLog, run: string, roles: readonly Role[]): Promise<number> {
  let records = 0
  for (const role of roles) {
    for (const name of topology[role].reads) {
      const topic = topicOf(run, name)
      const committed = await log.committed(groupOf(run, role), topic)
      for (const { partition, first, next } of await log.ends(topic)) {
        records += next - Math.max(first, committed.get(partition) ?? first)
      }
    }
  }
  return records
}
