import { type Host, patiently, type Running } from '../../pipeline/runtime/host.ts'
import { type StageRole, topicOf, topology } from '../../pipeline/topology.ts'
import type { Engines } from '../engines.ts'

/** How a role is started. */
export type StartRole = (host: Host, engines: Engines) => Promise<Running>

/** Into how many partitions the input of a stage is divided: as the run was made, whatever is set by now. */
export async function partitionsRead(host: Host, role: StageRole): Promise<number> {
  const topic = topicOf(host.run, topology[role].reads[0])
  return (await patiently(host, role, () => host.log.ends(topic))).length
}
