import type { Checkpoints, Rebuild } from './checkpoints.ts'
import type { Held } from './held.ts'
import { type Host, patiently } from './host.ts'
import type { AnyStage } from './stage.ts'

/** Checkpoints may take this share of the time: encoding a large state holds up its partition. */
const SHARE = 0.05
/** A stage that never rests is made to wait no longer than so. */
const PATIENCE_MS = 10_000

export type Checkpointing<State> = {
  /** A batch made so many outputs. */
  wrote(outputs: number): void
  isDue(): boolean
  /** Encodes the state at once; what takes long is the writing. */
  save(state: State, offset: number, rebuild: Rebuild | undefined): Promise<void>
}

/** When the checkpoints of a partition are made: by time, within a share of it, and when it suits the stage. */
export function checkpointing<State>(
  host: Host,
  stage: AnyStage<State>,
  checkpoints: Checkpoints,
  held: Held,
): Checkpointing<State> {
  const { burst, calmMs } = stage.pace ?? { burst: Number.POSITIVE_INFINITY, calmMs: 0 }
  // Each at a time of its own: encoding takes tens of milliseconds, and they would all come together.
  let savedAt = host.now() - Math.random() * host.checkpointMs
  let nextSaveMs = host.checkpointMs
  let saving = false
  let burstAt = Number.NEGATIVE_INFINITY

  return {
    wrote(outputs) {
      if (outputs >= burst) burstAt = host.now()
    },

    isDue() {
      const overdue = host.now() - savedAt - nextSaveMs
      const calm = host.now() - burstAt
      // Where bursts come every few seconds: soon behind one, so as to be done before the next.
      const isCalm = calm >= calmMs && (calm < 2 * calmMs || calm >= PATIENCE_MS)
      return !saving && overdue >= 0 && (isCalm || overdue >= PATIENCE_MS)
    },

    async save(state, offset, rebuild) {
      let began = performance.now()
      const figures = stage.gauges?.(state) ?? {}
      saving = true
      const bytes = await checkpoints.save(state, offset, rebuild, (write) => {
        const encoding = performance.now() - began
        return patiently(host, stage.name, () => {
          // What failed, and the wait for something that is away, is no cost of checkpoints.
          began = performance.now() - encoding
          return write()
        })
      })
      saving = false
      savedAt = host.now()
      nextSaveMs = Math.max(host.checkpointMs, (performance.now() - began) / SHARE)
      host.metrics.checkpoints.inc({ run: host.run, role: stage.name })
      held.saved({ offset, bytes, time: savedAt }, figures)
    },
  }
}
