import { FcmError } from '../../common/errors.ts'
import type { FcmRecord } from '../../schemas/records.ts'
import type { Rec, TopicPartition } from '../log/port.ts'
import { groupOf, type Role, topicOf } from '../topology.ts'
import { decodeBatch, reject } from './decode.ts'
import { type Host, patiently, type Running } from './host.ts'
import type { TopicName } from './stage.ts'

/** Where records leave the log. Writing the same ones again must change nothing. */
export type Sink = {
  name: Role
  topics: readonly TopicName[]
  /** Applies records of one partition in order, all or none, less those that it rejects because it can't ever. */
  write(
    records: { key: string; record: FcmRecord }[],
  ): Promise<{ rejected: readonly { index: number; why: string }[] }>
}

/** Feeds a sink; the group's committed offsets are its position. */
export async function runSink(host: Host, sink: Sink): Promise<Running> {
  const { run, log, metrics } = host

  async function process(recs: Rec[], tp: TopicPartition): Promise<void> {
    const { decoded, rejected } = await decodeBatch(host, sink.name, recs)
    if (decoded.length > 0) {
      const records = decoded.map(({ rec, record }) => ({ key: rec.key, record }))
      const written = await patiently(host, sink.name, () => sink.write(records))
      for (const { index, why } of written.rejected) {
        rejected.push(reject(host, sink.name, decoded[index]!.rec, new FcmError('RECORD_MALFORMED', { why })))
      }
    }
    if (rejected.length > 0) await patiently(host, sink.name, () => log.append(rejected))
    await patiently(host, sink.name, async () => (await subscription).commit(tp, recs.at(-1)!.offset + 1))
    const labels = { run, role: sink.name, topic: tp.topic }
    metrics.records.inc(labels, recs.length)
    metrics.hop.observe(labels, Math.max(0, host.now() - recs[0]!.time) / 1000)
  }

  // A promise, since the first batch may come before the subscription is ours.
  const subscription = log.subscribe({
    group: groupOf(run, sink.name),
    topics: sink.topics.map((topic) => topicOf(run, topic)),
    batchSize: host.batchSize,
    onBatch: process,
    onFailure: host.onFailure,
  })
  const { stop } = await subscription
  return { stop }
}
