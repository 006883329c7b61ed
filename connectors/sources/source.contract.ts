/** What every source keeps; one suite for all of them. */
import { describe, expect, test } from 'vitest'
import { LATENESS } from '../../common/time.ts'
import type { Rec } from '../../pipeline/log/port.ts'
import { topicOf } from '../../pipeline/topology.ts'
import { createCodec } from '../../schemas/codec.ts'
import type { Activity } from '../../schemas/records.ts'
import { NETWORK } from '../../schemas/records.ts'
import { type MemoryLog, memoryLog, memoryRegistry } from '../farcaster/fixtures.ts'
import { publish } from './publish.ts'
import type { OpenSource, Source } from './source.ts'
import { writtenIn } from './written.ts'

const RUN = 'contract'
const ACTIVITY = topicOf(RUN, 'activity')
const codec = await createCodec(memoryRegistry())
const newLog = () => memoryLog([ACTIVITY, topicOf(RUN, 'dead-letters')], 3)

const decoded = ({ key, value }: Rec) => ({ key, record: codec.decode(value!) as Activity })
const bytes = ({ key, value }: Rec) => `${key} ${Buffer.from(value!).toString('base64')}`
/** By partition, in order. Compared as one text: a list of so many takes seconds. */
const written = (log: MemoryLog) => log.records.get(ACTIVITY)!.map((kept) => kept.map(bytes).join('\n'))
/** The same without repeats. */
const distinct = (log: MemoryLog) =>
  log.records.get(ACTIVITY)!.map((kept) => [...new Set(kept.map(bytes))].join('\n'))

/**
 * `make` gives the same source each time: some thousand records at most, with an end, and with more than one step of its
 * position. What it asks of the outside must depend on its own clock alone.
 */
export function sourceContract(name: string, make: () => OpenSource | Promise<OpenSource>): void {
  const publishInto = async (log: MemoryLog) => publish({ log, codec, run: RUN, open: await make() })
  const opened = async (log: MemoryLog): Promise<Source> => (await make())(await writtenIn(log, codec, RUN))

  describe(`${name}, as a source`, () => {
    test('says the same each time, and nothing more behind its end', async () => {
      const [one, other] = [newLog(), newLog()]
      expect(await publishInto(one)).toEqual({ finished: true })
      await publishInto(other)
      expect(one.records.get(ACTIVITY)!.flat().length).toBeGreaterThan(10)
      expect(written(one)).toEqual(written(other))
      await publishInto(one)
      expect(distinct(one)).toEqual(distinct(other))
    })

    test('gives batches of some thousand records, with those for the network once, and an end that stays', async () => {
      const log = newLog()
      const source = await opened(log)
      const steps: number[] = []
      for (;;) {
        await source.awake()
        const batch = await source.next()
        if (!batch) break
        expect(batch.records.length).toBeLessThanOrEqual(5000)
        for (const { record } of batch.records)
          if (record.type === 'Coverage') expect(record.partitions).toBe(3)
        // As the publisher does it, so that the source may go on.
        await log.append(
          batch.records.flatMap(({ key, record }) => {
            const value = codec.encode(record)
            if (key !== NETWORK) return [{ topic: ACTIVITY, key, value }]
            return [0, 1, 2].map((partition) => ({ topic: ACTIVITY, partition, key, value }))
          }),
        )
        const stands = source.snapshot()
        if (stands !== null) steps.push(stands)
      }
      expect(await source.next()).toBeNull()
      expect(new Set(steps).size).toBeGreaterThan(1)
      expect(steps).toEqual(steps.toSorted((a, b) => a - b))
      // Where it stood, one that is opened now stands.
      expect((await opened(log)).snapshot()).toBe(steps.at(-1))
      await source.close()
      await source.close()
    })

    test('cut off within any append and opened anew, it leaves what an undisturbed one leaves', async () => {
      const undisturbed = newLog()
      let appends = 0
      undisturbed.onAppend = () => {
        appends++
        return undefined
      }
      await publishInto(undisturbed)
      const log = newLog()
      for (let cut = 0; cut < 8; cut++) {
        // Each attempt dies later than the one before, and in each partition elsewhere.
        let left = Math.floor((appends * cut) / 8)
        log.onAppend = () =>
          left-- > 0 ? undefined : { error: new Error('killed'), keep: (partition) => (cut + partition) % 4 }
        await publishInto(log).catch((error) => expect(error.message).toBe('killed'))
      }
      log.onAppend = () => undefined
      await publishInto(log)
      expect(distinct(log)).toEqual(distinct(undisturbed))
    })

    test('covers nothing whose messages aren’t in the log by then', async () => {
      const log = newLog()
      await publishInto(log)
      let covered = 0
      for (const kept of log.records.get(ACTIVITY)!) {
        const seen = new Set<string>()
        const spans: { key: string; measures: readonly string[]; from: number; to: number }[] = []
        for (const rec of kept) {
          const { key, record } = decoded(rec)
          if (record.type === 'Coverage' && (record.status === 'complete' || record.status === 'covered'))
            spans.push({ key, measures: record.measures, from: record.from, to: record.to })
          if (record.type !== 'Cast' && record.type !== 'Reaction') continue
          const id = record.hash.toString('hex')
          const isNew = !seen.has(id)
          seen.add(id)
          const measure = record.type === 'Reaction' ? 'reactions' : record.parent ? 'replies' : 'posts'
          const late = spans.find(
            (span) =>
              (span.key === key || span.key === NETWORK) &&
              span.measures.includes(measure) &&
              record.time >= span.from &&
              record.time < span.to - (span.key === NETWORK ? 0 : LATENESS),
          )
          if (isNew) expect(late, `${measure} ${key} ${record.time}`).toBeUndefined()
        }
        covered += spans.length
      }
      expect(covered).toBeGreaterThan(0)
    })

    test('lets go when it is told to, also before it was asked', async () => {
      const source = await opened(newLog())
      await source.close()
      const stopped = await publish({
        ...{ log: newLog(), codec, run: RUN, open: await make() },
        signal: AbortSignal.abort(),
      })
      expect(stopped).toEqual({ finished: false })
    })
  })
}
