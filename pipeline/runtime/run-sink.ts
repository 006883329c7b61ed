import { setTimeout as sleep } from 'node:timers/promises'
import { FcmError } from '../../common/errors.ts'
import { nameOf } from '../log/assignment.ts'
import type { Rec, TopicPartition } from '../log/port.ts'
import { groupOf, topicOf, topology } from '../topology.ts'
import { decodeBatch, reject } from './decode.ts'
import type { Held } from './held.ts'
import { type Host, patiently, type Running } from './host.ts'
import type { Sink } from './sink/sink.ts'

/** Feeds a sink; the group's committed offsets are its position. */
export async function runSink(host: Host, sink: Sink): Promise<Running> {
  const { run, log, metrics } = host
  const topics = new Map(topology[sink.name].reads.map((topic) => [topicOf(run, topic), topic]))
  const stopping = new AbortController()
  const held = new Map<string, Held>()

  async function process(recs: Rec[], tp: TopicPartition): Promise<void> {
    const topic = topics.get(tp.topic)!
    if (!sink.urgent.includes(topic) && recs.length < host.batchSize)
      await sleep(sink.gatherMs, undefined, { signal: stopping.signal }).catch(() => {})
    const { decoded, rejected } = await decodeBatch(host, sink.name, topic, recs)
    if (decoded.length > 0) {
      const records = decoded.map(({ rec, record }) => ({ key: rec.key, record }))
      const written = await patiently(host, sink.name, () => sink.write(records))
      const now = host.now()
      const refused = new Set(written.rejected.map(({ index }) => index))
      for (const [index, { rec, record }] of decoded.entries()) {
        if (record.type === 'AlertEvent' && !refused.has(index))
          metrics.latency.decided(run, rec, record, now)
      }
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
  const subscription = patiently(host, sink.name, () =>
    log.subscribe({
      group: groupOf(run, sink.name),
      topics: [...topics.keys()],
      batchSize: host.batchSize,
      signal: host.forced,
      async onAssigned(tp) {
        held.set(nameOf(tp), metrics.held({ run, role: sink.name, ...tp }))
        metrics.deadLetters.inc({ run, role: sink.name, topic: tp.topic }, 0)
        return undefined
      },
      onBatch: (records, tp) => held.get(nameOf(tp))!.handling(() => process(records, tp)),
      async onRevoked(tp) {
        held.get(nameOf(tp))?.gone()
        held.delete(nameOf(tp))
      },
      onFailure: host.onFailure,
    }),
  )
  const { stop } = await subscription
  return {
    stop() {
      stopping.abort()
      return stop()
    },
  }
}
