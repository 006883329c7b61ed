import { FcmError } from '../../common/errors.ts'
import type { PartitionEnds, TopicPartition } from './port.ts'

/** `offset`, where one can read from it on. @throws FcmError OFFSET_OUT_OF_RANGE: it was deleted, or lies beyond the end */
export function inRange(
  { topic, partition }: TopicPartition,
  offset: number,
  { first, next }: Pick<PartitionEnds, 'first' | 'next'>,
): number {
  if (offset < first || offset > next)
    throw new FcmError('OFFSET_OUT_OF_RANGE', { topic, partition, offset, first, next })
  return offset
}
