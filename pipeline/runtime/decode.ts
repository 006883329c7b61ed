import { FcmError } from '../../common/errors.ts'
import { isUnreadable } from '../../schemas/codec.ts'
import type { FcmRecord } from '../../schemas/records.ts'
import { deadLetter } from '../log/dead-letter.ts'
import type { NewRec, Rec } from '../log/port.ts'
import { type Role, standing, type Topic, topicOf } from '../topology.ts'
import { type Host, patiently } from './host.ts'

export type Decoded = { rec: Rec; record: FcmRecord }

/**
 * The records in a batch, of one topic, in order, and the dead letters of those that can't be decoded or don't belong there.
 * Tombstones are passed over, and what older releases put there.
 * A schema that is new is fetched from the registry, however long the registry takes.
 */
export async function decodeBatch(
  host: Host,
  role: Role,
  topic: Topic,
  recs: Rec[],
): Promise<{ decoded: Decoded[]; rejected: NewRec[] }> {
  const decoded: Decoded[] = []
  const rejected: NewRec[] = []
  const decode = (rec: Rec, value: Uint8Array): void => {
    const record = host.codec.decode(value)
    const place = standing(topic, record.type)
    if (place === 'misplaced')
      throw new FcmError('RECORD_MALFORMED', { why: `${record.type} does not belong in ${rec.topic}` })
    if (place === 'belongs') decoded.push({ rec, record })
  }
  for (const rec of recs) {
    const { value } = rec
    if (!value) continue
    try {
      decode(rec, value)
    } catch {
      try {
        await patiently(host, role, () => host.codec.prepare(value))
        decode(rec, value)
      } catch (error) {
        rejected.push(reject(host, role, rec, error))
      }
    }
  }
  return { decoded, rejected }
}

/** The dead letter of a record that can't be processed; an error that isn't the record's fault is thrown on. */
export function reject(host: Host, role: Role, rec: Rec, error: unknown): NewRec {
  if (!isUnreadable(error)) throw error
  const { topic, partition, offset } = rec
  host.metrics.deadLetters.inc({ run: host.run, role, topic })
  host.logger.warn({ run: host.run, role, topic, partition, offset }, error.message)
  return deadLetter(topicOf(host.run, 'dead-letters'), rec, `${role}: ${error.message}`)
}
