/** Which source run `live` is watched through: chosen by the settings. */
import { FcmError } from '../../common/errors.ts'
import { publish } from '../../connectors/sources/publish.ts'
import type { OpenSource } from '../../connectors/sources/source.ts'
import { LIVE } from '../../pipeline/topology.ts'
import type { Engines } from '../engines.ts'
import type { LiveSource } from './live-source.ts'
import { polledSource } from './polling.ts'
import { type Simulation, simulatedSource } from './simulated.ts'

/** What run `live` may be watched through, by the name that FCM_SOURCE gives it. */
const SOURCES: Partial<Record<string, (engines: Engines, simulation: Simulation) => LiveSource>> = {
  simulation: simulatedSource,
  server: polledSource,
}

/** What the settings name; else an MCP server where one is set, and a simulated network. @throws FcmError OPTION_INVALID */
export function sourceOf(engines: Engines, simulation: Simulation): LiveSource {
  const { source = engines.config.mcp === undefined ? 'simulation' : 'server' } = engines.config
  const open = Object.hasOwn(SOURCES, source) ? SOURCES[source] : undefined
  if (open) return open(engines, simulation)
  throw new FcmError('OPTION_INVALID', {
    option: `FCM_SOURCE=${source}`,
    why: 'is the name of no source',
    hint: `There are ${Object.keys(SOURCES).join(', ')}`,
  })
}

/** A source that needs nothing of a running fcm: how most that are added are. */
export function plainSource(name: string, open: OpenSource): (engines: Engines) => LiveSource {
  return ({ log, codec }) => ({
    origin: { kind: 'other', name },
    liveFrom: Date.now(),
    hasHistory: false,
    pace: `from ${name}`,
    async publish({ signal, onWaiting, beforeLive }) {
      await beforeLive()
      return publish({ log, codec, run: LIVE, open, signal, onWarning: onWaiting })
    },
  })
}
