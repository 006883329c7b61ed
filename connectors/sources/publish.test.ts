import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { FcmError } from '../../common/errors.ts'
import { BASE } from '../../common/time.ts'
import { parseDeadLetter } from '../../pipeline/log/dead-letter.ts'
import { topicOf } from '../../pipeline/topology.ts'
import { createCodec } from '../../schemas/codec.ts'
import type { Activity, Cast } from '../../schemas/records.ts'
import { NETWORK } from '../../schemas/records.ts'
import { hash, type MemoryLog, memoryLog, memoryRegistry } from '../farcaster/fixtures.ts'
import { type PublishOptions, publish } from './publish.ts'
import { sourceContract } from './source.contract.ts'
import { fakeSource } from './source.fake.ts'
import type { Keyed } from './source.ts'

const T = Date.UTC(2024, 1, 5)
const RUN = 'r'
const ACTIVITY = topicOf(RUN, 'activity')
const GRAVES = topicOf(RUN, 'dead-letters')
const codec = await createCodec(memoryRegistry())
const newLog = (partitions = 1) => memoryLog([ACTIVITY, GRAVES], partitions)

const post = (n: number, key = 'https://a.org'): Keyed => ({
  key,
  record: {
    ...{
      type: 'Cast',
      hash: hash(n),
      fid: 1,
      time: T + n * BASE,
      clock: 'signed',
      verified: false,
      text: '',
    },
    ...{ parent: null, parentUrl: key, urls: [], quotes: [], mentions: [] },
  } satisfies Cast,
})
const complete = (n: number, partitions = 1): Keyed => ({
  key: NETWORK,
  record: {
    ...{
      type: 'Coverage',
      status: 'complete',
      measures: ['posts'],
      from: T + n * BASE,
      to: T + (n + 1) * BASE,
    },
    ...{ reason: null, partitions },
  },
})
const bins = (count: number, partitions = 1): Keyed[][] =>
  Array.from({ length: count }, (_, n) => [post(n), complete(n, partitions)])
const shown = (log: MemoryLog, partition = 0): string[] =>
  log.records.get(ACTIVITY)![partition]!.map(({ value }) => {
    const record = codec.decode(value!) as Activity
    return record.type === 'Cast' ? `post ${(record.time - T) / BASE}` : record.type
  })

const run = (log: MemoryLog, open: PublishOptions['open'], more: Partial<PublishOptions> = {}) =>
  publish({ log, codec, run: RUN, open, ...more })

sourceContract('the fake', () => fakeSource({ batches: bins(30, 3) }))

test('what is for the network goes to every partition, each behind what was given before it', async () => {
  const log = newLog(3)
  expect(await run(log, fakeSource({ batches: [[post(1), post(2, 'b'), complete(2, 3)]] }))).toEqual({
    finished: true,
  })
  for (const kept of log.records.get(ACTIVITY)!) {
    expect(kept.at(-1)!.key).toBe(NETWORK)
    expect(codec.decode(kept.at(-1)!.value!)).toMatchObject({ type: 'Coverage', partitions: 3 })
  }
  expect(log.records.get(ACTIVITY)!.flat()).toHaveLength(5)
})

test('what can’t be read is buried before the records of its batch', async () => {
  const log = newLog()
  let buried = 0
  log.onAppend = (records) => {
    if (records.some((rec) => rec.topic === ACTIVITY)) buried = log.records.get(GRAVES)!.flat().length
    return undefined
  }
  const refused = [{ file: 'a.ndjson', line: 2, bytes: Buffer.from('oops'), why: 'not JSON' }]
  await run(log, fakeSource({ batches: [{ refused, records: [post(1)] }] }))
  expect(buried).toBe(1)
  const [grave] = log.records.get(GRAVES)!.flat()
  expect(grave).toMatchObject({ key: 'archive', value: Buffer.from('oops') })
  expect(parseDeadLetter(grave!)).toMatchObject({ source: 'a.ndjson:2', reason: 'not JSON' })
})

test('it tells how far all is in the log, and lets others run meanwhile', async () => {
  const log = newLog()
  const told: (number | null)[] = []
  let turns = 0
  const timer = setInterval(() => turns++, 0)
  await run(log, fakeSource({ batches: [[post(0)], ...bins(300)] }), { onPublished: (to) => told.push(to) })
  clearInterval(timer)
  expect(told.slice(0, 3)).toEqual([null, T + BASE, T + 2 * BASE])
  expect(turns).toBeGreaterThan(0)
})

describe('a stop', () => {
  test('ends it at once, even while the source makes it wait, and closes the source', async () => {
    const log = newLog()
    const abort = new AbortController()
    const before = async (n: number) => {
      if (n < 2) return
      setTimeout(() => abort.abort(), 20)
      await sleep(5000, undefined, { ref: false })
    }
    const source = fakeSource({ batches: bins(4), before })
    const began = performance.now()
    expect(await run(log, source, { signal: abort.signal })).toEqual({ finished: false })
    expect(performance.now() - began).toBeLessThan(2000)
    expect([source.opened, source.closed]).toEqual([1, 1])
    expect(shown(log)).toEqual(['post 0', 'Coverage', 'post 1', 'Coverage'])
    expect(await run(log, fakeSource({ batches: bins(4) }))).toEqual({ finished: true })
    expect(shown(log).filter((text) => text !== 'Coverage')).toEqual(['post 0', 'post 1', 'post 2', 'post 3'])
  })

  test('that came before keeps it from beginning', async () => {
    const log = newLog()
    const source = fakeSource({ batches: bins(1) })
    expect(await run(log, source, { signal: AbortSignal.abort() })).toEqual({ finished: false })
    expect([source.opened, shown(log)]).toEqual([0, []])
  })

  test('does not wait for a log that fails', async () => {
    const log = newLog()
    log.onAppend = () => ({ error: new FcmError('LOG_FULL', { file: 'log' }), keep: () => 0 })
    const source = fakeSource({ batches: bins(1) })
    expect(await run(log, source, { signal: AbortSignal.timeout(20) })).toEqual({ finished: false })
    expect(source.closed).toBe(1)
  })
})

describe('a log that fails', () => {
  test('is tried again while it may pass, with one warning; nothing is lost', async () => {
    const [log, good] = [newLog(), newLog()]
    let failures = 0
    log.onAppend = () =>
      failures++ < 3 ? { error: new FcmError('LOG_FULL', { file: 'log' }), keep: () => 0 } : undefined
    const warnings: string[] = []
    await run(log, fakeSource({ batches: bins(3) }), { onWarning: ({ code }) => warnings.push(code) })
    await run(good, fakeSource({ batches: bins(3) }))
    expect(warnings).toEqual(['LOG_FULL'])
    expect(shown(log)).toEqual(shown(good))
  })

  test('ends it when it will not pass, and the source is closed', async () => {
    const log = newLog()
    log.onAppend = () => ({ error: new FcmError('LOG_BROKEN', { file: 'log', why: 'x' }), keep: () => 0 })
    const source = fakeSource({ batches: bins(1) })
    await expect(run(log, source)).rejects.toMatchObject({ code: 'LOG_BROKEN' })
    expect(source.closed).toBe(1)
  })
})
