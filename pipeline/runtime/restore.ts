import { FcmError } from '../../common/errors.ts'
import type { PartitionEnds } from '../log/port.ts'
import type { Checkpoints, Rebuild, Restored } from './checkpoints.ts'
import type { AnyStage } from './stage.ts'

/** Where the work on a partition begins. */
export type Beginning<State> = {
  state: State
  /** Offset of the next record. */
  next: number
  /** The input up to here is gone over again. */
  rebuild?: Rebuild
  /** The checkpoint that was found. */
  from: Restored | null
  how: 'restored' | 'migrated' | 'rebuilds' | 'begins'
}

/**
 * State of today's shape, from what stands in the log: the newest checkpoint, or one of an older version, migrated; where the
 * stage can't do that, its state is rebuilt from the input that is kept. Without a checkpoint, from the first record kept.
 * @throws FcmError STATE_VERSION: a newer program has written it; STATE_UNREADABLE
 */
export async function restore<State>(
  stage: AnyStage<State>,
  partition: number,
  checkpoints: Checkpoints,
  ends: () => Promise<PartitionEnds>,
  onRead: (read: number, total: number) => void,
): Promise<Beginning<State>> {
  const from = await checkpoints.restore(onRead)
  if (from && from.version > stage.version) {
    throw new FcmError('STATE_VERSION', { stage: stage.name, found: from.version, expected: stage.version })
  }
  const state =
    from?.version === stage.version
      ? (from.state as State)
      : ((from && stage.migrate?.(from.state, from.version)) ?? null)
  if (from && state !== null) {
    const { offset, version, rebuild } = from
    const how = version === stage.version ? 'restored' : 'migrated'
    return { state, next: offset, ...(rebuild && { rebuild }), from, how }
  }
  // What retention took before is not missed by anyone.
  const { first, next } = await ends()
  if (!from) return { state: stage.initial(partition), next: first, from, how: 'begins' }
  // A checkpoint of a release in which the stage read another topic may stand anywhere.
  const to = Math.min(Math.max(from.offset, first), next)
  const rebuild = { from: first, to, silent: stage.rebuild === 'silently' }
  return { state: stage.initial(partition), next: first, rebuild, from, how: 'rebuilds' }
}
