/** The real thing, in this process: everything but the source, and a dashboard that looks on. */
import type { FcmError } from '../../common/errors.ts'
import { deleteRunOf } from '../admin.ts'
import type { Config } from '../config.ts'
import { openEngines } from '../engines.ts'
import { PROCESSING } from '../roles/roles.ts'
import { startRoles } from '../roles/start.ts'
import { serve } from '../serve.ts'
import { createWriteAlone } from '../writing.ts'
import { look } from './look.ts'
import { type Figures, openLoad, RUN } from './measure.ts'

export type UnderLoad = {
  /** How many close together. */
  series: number
  /** Events/s. */
  rate: number
  /** Alert events to measure over, at least. */
  alerts: number
  /** How much of the history that makes them be judged is written, 0-1. */
  onHistory(share: number, bin: number): void
  onReady(): void
  onWaiting(error: FcmError): void
}

/** Brings a run to where all of its series are judged, and measures. On Kafka the run is deleted afterwards. */
export async function underLoad(
  config: Config,
  { series, rate, alerts, onHistory, onReady, onWaiting }: UnderLoad,
  stop: AbortSignal,
): Promise<Figures> {
  const engines = await openEngines(config, { onWaiting })
  try {
    await engines.openRun(RUN)
    const served = await serve(engines)
    const roles = await startRoles(engines, RUN, PROCESSING)
    const signal = AbortSignal.any([stop, roles.failed])
    try {
      const loaded = await openLoad(engines, roles, series, signal, onHistory)
      if (!signal.aborted) onReady()
      const leave = look(served.url, RUN)
      const figures = await loaded.measure(rate, alerts).finally(leave)
      roles.failed.throwIfAborted()
      return figures
    } finally {
      await roles.stop()
      await served.close()
      // Of a data directory the whole is deleted, or kept.
      if (config.kafkaBrokers !== undefined) await deleteRunOf(engines, createWriteAlone(engines))(RUN)
    }
  } finally {
    await engines.close()
  }
}
