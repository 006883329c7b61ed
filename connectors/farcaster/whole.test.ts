import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FcmError } from '../../common/errors.ts'
import { BASE, DAY, HOUR, MINUTE, SECOND } from '../../common/time.ts'
import { parseDeadLetter } from '../../pipeline/log/dead-letter.ts'
import type { Rec } from '../../pipeline/log/port.ts'
import { topicOf } from '../../pipeline/topology.ts'
import { createCodec } from '../../schemas/codec.ts'
import type { Message } from '../../schemas/message.ts'
import { publish } from '../sources/publish.ts'
import { disjoint, type Gap, gapAround } from './archive/gaps.ts'
import type { SourceItem } from './completeness.ts'
import { completeInOrder } from './completeness.ts'
import type { MemoryLog } from './fixtures.ts'
import { cast, hash, memoryLog, memoryRegistry } from './fixtures.ts'
import { position, type WholeOptions, wholeSource } from './whole.ts'

const T = Date.UTC(2024, 1, 5)
const RUN = 'r'
const ACTIVITY = topicOf(RUN, 'activity')
const GRAVES = topicOf(RUN, 'dead-letters')
const codec = await createCodec(memoryRegistry())
const newLog = (partitions = 1) => memoryLog([ACTIVITY, GRAVES], partitions)

const broken = (line: number): SourceItem => ({
  kind: 'unreadable',
  file: 'a.ndjson',
  line,
  bytes: Buffer.from(`oops ${line}`),
  why: 'not JSON',
})
async function* stream(items: (Message | SourceItem)[]): AsyncGenerator<SourceItem> {
  for (const item of items)
    yield 'kind' in item && isItem(item) ? item : { kind: 'message', message: item as Message }
}
const isItem = (item: Message | SourceItem): item is SourceItem => !('hash' in item)
/** In order, with a gap between the neighbours of what can't be read. */
function archive(...items: (Message | SourceItem)[]) {
  const times = (some: (Message | SourceItem)[]) => some.flatMap((item) => (isItem(item) ? [] : item.time))
  const gaps = items.flatMap((item, i): Gap[] => {
    if (!isItem(item) || item.kind !== 'unreadable') return []
    const [before, after] = [times(items.slice(0, i)).at(-1), times(items.slice(i))[0]]
    const from = before ?? after
    return from === undefined ? [] : [gapAround(from, after ?? from, `unreadable: ${item.file}:${item.line}`)]
  })
  return completeInOrder(stream(items), disjoint(gaps))
}

/** Publishes; with the last that was told. */
async function run(log: MemoryLog, input: AsyncIterable<SourceItem>, more: Partial<WholeOptions> = {}) {
  let last = {}
  const onProgress: WholeOptions['onProgress'] = (progress) => {
    last = progress
  }
  const open = wholeSource({ measures: ['posts', 'replies'], input, onProgress, ...more })
  return { ...(await publish({ log, codec, run: RUN, open })), ...last }
}

/** Minutes after T: `https://a.org 7` a cast, `complete [0,5)`. */
const show = ({ key, value }: Rec): string => {
  const record = codec.decode(value!)
  const minutes = (time: number) => (time - T) / MINUTE
  if (record.type === 'Coverage') {
    return `${record.status} [${minutes(record.from)},${minutes(record.to)})${record.reason ? ` ${record.reason}` : ''}`
  }
  return 'hash' in record ? `${key} ${record.hash.readUInt32BE(16)}` : record.type
}
const shown = (log: MemoryLog, partition = 0): string[] => log.records.get(ACTIVITY)![partition]!.map(show)
const distinct = (log: MemoryLog): string[][] =>
  log.records.get(ACTIVITY)!.map((_, partition) => [...new Set(shown(log, partition))])

describe('a whole source', () => {
  it('writes records keyed by channel, in order, each bin’s coverage behind them', async () => {
    const log = newLog()
    const result = await run(
      log,
      archive(
        cast(1, T + MINUTE, 'https://a.org'),
        cast(2, T + 2 * MINUTE, 1),
        broken(3),
        cast(4, T + 6 * MINUTE, null),
        cast(5, T + 21 * MINUTE, 'https://b.org'),
      ),
    )
    expect(shown(log)).toEqual([
      'https://a.org 1',
      'https://a.org 2',
      '_ 4',
      'https://b.org 5',
      'gap [0,5) unreadable: a.ndjson:3',
      'gap [5,10) unreadable: a.ndjson:3',
      'complete [10,15)',
      'complete [15,20)',
      'complete [20,25)',
    ])
    expect(result).toEqual({
      messages: 4,
      unreadable: 1,
      bytesRead: 0,
      published: T + 25 * MINUTE,
      finished: true,
    })
  })

  it('sends coverage to every partition under the key of the network, with measures and their count', async () => {
    const log = newLog(3)
    await run(log, archive(cast(1, T, 'https://a.org')))
    for (const kept of log.records.get(ACTIVITY)!) {
      expect(kept.at(-1)!.key).toBe('*')
      expect(codec.decode(kept.at(-1)!.value!)).toEqual({
        type: 'Coverage',
        status: 'complete',
        measures: ['posts', 'replies'],
        from: T,
        to: T + BASE,
        reason: null,
        partitions: 3,
      })
    }
    expect(log.records.get(ACTIVITY)!.flat()).toHaveLength(4)
  })

  it('buries an unreadable line before the coverage that calls it a gap', async () => {
    const log = newLog()
    let buried = 0
    log.onAppend = (records) => {
      if (records.some((rec) => rec.topic === ACTIVITY)) buried = log.records.get(GRAVES)!.flat().length
      return undefined
    }
    await run(log, archive(cast(1, T, null), broken(2)))
    expect(buried).toBe(1)
    const [grave] = log.records.get(GRAVES)!.flat()
    expect(grave).toMatchObject({ key: 'archive', value: Buffer.from('oops 2') })
    expect(parseDeadLetter(grave!)).toMatchObject({ source: 'a.ndjson:2', reason: 'not JSON' })
  })

  it('buries a message with a wrong clock also when it goes on, where it passes over what can’t be read', async () => {
    const log = newLog()
    const casts = [cast(1, T, null), cast(2, T + HOUR, null)]
    await run(log, archive(...casts), { to: T + 30 * MINUTE })
    const wrong = { ...broken(7), kind: 'wrong-clock' } as SourceItem
    const result = await run(log, archive(wrong, broken(8), ...casts))
    const graves = log.records.get(GRAVES)!.flat()
    expect(graves.map((grave) => parseDeadLetter(grave)!.source)).toEqual(['a.ndjson:7'])
    expect(result).toMatchObject({ messages: 2, unreadable: 2 })
  })

  it('publishes only whole bins between from and to, yet takes channels from what was before', async () => {
    const log = newLog()
    const casts = [
      cast(1, T + 1 * MINUTE, 'https://a.org'),
      cast(2, T + 11 * MINUTE, 1),
      cast(3, T + 16 * MINUTE, 1),
      cast(4, T + 20 * MINUTE, 1),
      cast(5, T + 60 * MINUTE, 1),
    ]
    const result = await run(log, archive(...casts), { from: T + 12 * MINUTE, to: T + 16 * MINUTE })
    expect(shown(log)).toEqual(['https://a.org 2', 'https://a.org 3', 'complete [10,15)', 'complete [15,20)'])
    expect(result).toMatchObject({ finished: true, published: T + 20 * MINUTE })
  })

  it('keeps appends small and in order, however much coverage a silence makes', async () => {
    const log = newLog(8)
    const sizes: number[] = []
    log.onAppend = (records) => {
      sizes.push(records.length)
      return undefined
    }
    let turns = 0
    let turn: NodeJS.Immediate
    const count = () => {
      turns++
      turn = setImmediate(count)
    }
    count()
    const busy = Array.from({ length: 5000 }, (_, n) => cast(n + 10, T, null))
    await run(log, archive(...busy, cast(2, T + 20 * DAY, null)))
    clearImmediate(turn!)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(2000 + 8)
    expect(turns).toBeGreaterThanOrEqual(sizes.length - 1)
    const bins = shown(log).filter((s) => s.startsWith('complete'))
    expect(bins).toEqual(
      Array.from({ length: (20 * DAY) / BASE + 1 }, (_, n) => `complete [${5 * n},${5 * n + 5})`),
    )
  })

  it('leaves what was read before a failing input, then says why', async () => {
    const log = newLog()
    const failing = async function* (): AsyncGenerator<SourceItem> {
      yield { kind: 'message', message: cast(1, T, null) }
      throw new FcmError('FILE_UNREADABLE', { file: 'a', why: 'gone' })
    }
    await expect(run(log, completeInOrder(failing()))).rejects.toMatchObject({ code: 'FILE_UNREADABLE' })
    expect(shown(log)).toEqual(['_ 1'])
  })
})

describe('resuming', () => {
  it('begins where the slowest partition’s coverage ends, far back in a long tail', async () => {
    const log = newLog(2)
    expect(await position(log, codec, RUN)).toBeNull()
    await run(log, archive(cast(1, T, null), cast(2, T + HOUR, null)))
    const [first] = log.records.get(ACTIVITY)!
    const value = codec.encode({ ...(codec.decode(first!.at(-1)!.value!) as object), to: T + DAY } as never)
    await log.append([{ topic: ACTIVITY, partition: 0, key: '*', value }])
    expect(await position(log, codec, RUN)).toBe(T + HOUR + BASE)
    const late = Array.from({ length: 5000 }, () => ({
      topic: ACTIVITY,
      partition: 1,
      key: '_',
      value: null,
    }))
    await log.append(late)
    expect(await position(log, codec, RUN)).toBe(T + HOUR + BASE)
    log.records.get(ACTIVITY)![1] = []
    expect(await position(log, codec, RUN)).toBeNull()
  })

  it('appends nothing when all is there, and only what is new when the input has grown', async () => {
    const log = newLog()
    const casts = [cast(1, T, 'https://a.org'), cast(2, T + MINUTE, 1)]
    await run(log, archive(...casts))
    const before = shown(log)
    expect(await run(log, archive(...casts))).toMatchObject({
      finished: true,
      published: T + BASE,
      messages: 2,
    })
    expect(shown(log)).toEqual(before)
    await run(log, archive(...casts, cast(3, T + 6 * MINUTE, 1), cast(4, T + 30 * MINUTE, 1)))
    expect(shown(log).slice(before.length)).toEqual([
      ...[
        'https://a.org 3',
        'https://a.org 4',
        ...[5, 10, 15, 20, 25, 30].map((t) => `complete [${t},${t + 5})`),
      ],
    ])
  })

  it('buries lines once they are new, and no more once their gap is on record', async () => {
    const log = newLog()
    const graves = () => log.records.get(GRAVES)![0]!.map((rec) => parseDeadLetter(rec)!.source)
    const items = [broken(1), cast(1, T, null), broken(3), cast(2, T + MINUTE, null)]
    await run(log, archive(...items))
    await run(log, archive(...items, cast(3, T + HOUR, null), broken(6)))
    expect(graves()).toEqual(['a.ndjson:1', 'a.ndjson:3', 'a.ndjson:6'])
  })

  it('after a cut anywhere leaves what an undisturbed run leaves, but for repeats', async () => {
    const step = fc.record({
      ahead: fc.integer({ min: 0, max: 900 }),
      back: fc.option(fc.integer({ min: 1, max: 5 }), { freq: 3 }),
      broken: fc.constantFrom(true, false, false, false, false),
    })
    const fixed = { minLength: 3, maxLength: 3 }
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 25 }),
        fc.constantFrom(1, 3),
        fc.array(
          fc.record({ appends: fc.nat({ max: 25 }), keeps: fc.array(fc.nat({ max: 4 }), fixed) }),
          fixed,
        ),
        fc.constantFrom(1, 4, 1000),
        async (steps, partitions, cuts, batchSize) => {
          let time = T
          const items = steps.map(({ ahead, back, broken: bad }, n) => {
            if (bad) return broken(n)
            time += ahead * SECOND
            return cast(n + 10, time, back === null ? `https://${n % 3}.org` : n + 10 - back)
          })
          const good = newLog(partitions)
          await run(good, archive(...items), { batchSize })
          const log = newLog(partitions)
          for (const { appends, keeps } of cuts) {
            let left = appends
            // The records of an append reach their partitions one by one, and each on its own.
            log.onAppend = () =>
              left-- > 0 ? undefined : { error: new Error('crash'), keep: (partition) => keeps[partition]! }
            await run(log, archive(...items), { batchSize }).catch((error) =>
              expect(error.message).toBe('crash'),
            )
          }
          log.onAppend = () => undefined
          await run(log, archive(...items), { batchSize })
          expect(distinct(log)).toEqual(distinct(good))
          const sources = (l: MemoryLog) => [
            ...new Set(
              l.records
                .get(GRAVES)!
                .flat()
                .map((rec) => parseDeadLetter(rec)!.source),
            ),
          ]
          expect(sources(log)).toEqual(sources(good))
        },
      ),
      { numRuns: 300 },
    )
  })
})

it('refuses nothing for being hostile: a channel named like the network is none', async () => {
  const log = newLog()
  await run(log, archive(cast(1, T, '*'), cast(2, T, 'x'.repeat(2000)), { ...cast(3, T, 2), hash: hash(3) }))
  expect(shown(log)).toEqual(['_ 1', '_ 2', '_ 3', 'complete [0,5)'])
})
