import type { Host, Running } from '../../pipeline/runtime/host.ts'
import type { Engines } from '../engines.ts'

/** How a role is started. */
export type StartRole = (host: Host, engines: Engines) => Promise<Running>
