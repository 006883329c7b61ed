/** The roles that process what a source has written, upstream first: how each is started. What each reads: the topology. */
import { runStage } from '../../pipeline/runtime/run-stage.ts'
import { countStage } from '../../pipeline/stages/count/count.ts'
import { sumStage } from '../../pipeline/stages/sum.ts'
import type { SinkRole, StageRole } from '../../pipeline/topology.ts'
import { detect } from './detect.ts'
import { partitionsRead, type StartRole } from './role.ts'
import { store } from './store.ts'

/** What reads the log; a source, which doesn't, is chosen in `sources/`. */
export type Processing = StageRole | SinkRole

export const roles = {
  count: async (host) => runStage(host, countStage({ partitions: await partitionsRead(host, 'count') })),
  sum: (host) => runStage(host, sumStage()),
  detect,
  store,
} as const satisfies Record<Processing, StartRole>

export const PROCESSING = Object.keys(roles) as Processing[]
