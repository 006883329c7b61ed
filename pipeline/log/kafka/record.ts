import type { IHeaders, KafkaMessage } from 'kafkajs'
import type { Rec, TopicPartition } from '../port.ts'

/** What others wrote may have no key, and headers of bytes, or twice. */
export const recordOf = ({ topic, partition }: TopicPartition, message: KafkaMessage): Rec => ({
  topic,
  partition,
  offset: Number(message.offset),
  time: Number(message.timestamp),
  key: message.key?.toString() ?? '',
  value: message.value,
  headers: headersOf(message.headers),
})

function headersOf(headers: IHeaders | undefined): Record<string, string> {
  const texts: Record<string, string> = {}
  for (const name in headers) {
    const value = headers[name]
    const last = Array.isArray(value) ? value.at(-1) : value
    if (last !== undefined) texts[name] = last.toString()
  }
  return texts
}
