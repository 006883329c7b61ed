import { Check } from 'typebox/value'
import { describe, expect, it } from 'vitest'
import { FcmError } from '../../common/errors.ts'
import { deadLetter } from '../../pipeline/log/dead-letter.ts'
import type { EventLog, NewRec, Rec } from '../../pipeline/log/port.ts'
import * as s from '../contracts/ops.ts'
import { fakeLog, T0, testApi } from '../testing.ts'
import { deadLettersOf } from './dead-letters.ts'

const GRAVES = 'fcm.live.dead-letters'
const KB = 1024

const rec = (offset: number, topic = 'fcm.live.activity', bytes = 10): Rec => ({
  ...{ topic, partition: 0, offset, time: 1, key: 'k', value: new Uint8Array(bytes), headers: {} },
})
const at = (letters: NewRec[], time = T0) =>
  letters.map((letter, i) => ({ time: time + i * 1000, ...letter }))
const buried = (n: number, why: string, topic?: string, bytes?: number): NewRec[] =>
  Array.from({ length: n }, (_, i) => deadLetter(GRAVES, rec(i, topic, bytes), why))

/** How many records and bytes the log has handed out. */
function counted(log: EventLog) {
  const read = { records: 0, bytes: 0 }
  const counting: EventLog = {
    ...log,
    async *read(tp, from) {
      for await (const record of log.read(tp, from)) {
        read.records++
        read.bytes += record.value?.length ?? 0
        yield record
      }
    },
  }
  return { log: counting, read }
}

describe('dead letters', () => {
  it('are counted by where they come from and who gave up, the latest first, each once', async () => {
    const line = { file: '/a.ndjson', line: 7, bytes: new Uint8Array(3) }
    const log = fakeLog({
      [GRAVES]: [
        at([...buried(3, 'count: it is cut off'), deadLetter(GRAVES, rec(1), 'count: it is cut off, again')]),
        at(
          [...buried(2, 'store: bin off the grid', 'fcm.live.counts'), deadLetter(GRAVES, line, 'not JSON')],
          T0 + 60_000,
        ),
      ],
    })
    const { app } = await testApi({ log })
    const answer = await app.inject({ url: '/v1/ops/dead-letters' })
    expect(answer.statusCode).toBe(200)
    expect(Check(s.DeadLetters, answer.json())).toBe(true)
    expect(answer.json()).toEqual({
      items: [
        { topic: 'archive', role: 'source', count: 1, lastAt: '2024-02-05T00:06:02Z', lastWhy: 'not JSON' },
        {
          ...{ topic: 'counts', role: 'store', count: 2 },
          ...{ lastAt: '2024-02-05T00:06:01Z', lastWhy: 'bin off the grid' },
        },
        {
          topic: 'activity',
          role: 'count',
          count: 3,
          lastAt: '2024-02-05T00:05:02Z',
          lastWhy: 'it is cut off',
        },
      ],
      read: 7,
      total: 7,
    })
  })

  it('of many only the last are read, and that is said', async () => {
    const [many, few] = [buried(2500, 'count: no'), buried(3, 'detect: why', 'fcm.live.counts')]
    const { log, read } = counted(fakeLog({ [GRAVES]: [at(many), at(few)] }))
    const told = await deadLettersOf(log, 'live')
    expect(told).toMatchObject({ read: 1003, total: 2503 })
    expect(told.items.map(({ role, count }) => [role, count])).toEqual([
      ['count', 1000],
      ['detect', 3],
    ])
    expect(read.records).toBeLessThan(1100)
  })

  it('of large ones so many are read as fit into 32 MB', async () => {
    const letters = buried(60, 'count: no', undefined, 2048 * KB)
    const { log, read } = counted(fakeLog({ [GRAVES]: [at(letters)] }))
    const told = await deadLettersOf(log, 'live')
    expect(told.read).toBeGreaterThanOrEqual(16)
    expect(told.total).toBe(60)
    expect(read.bytes).toBeLessThan(64 * KB * KB)
    expect(told.items[0]!.lastAt).toBe('2024-02-05T00:05:59Z')
  })

  it('are none where nothing was put, or retention takes what there is', async () => {
    expect(await deadLettersOf(fakeLog(), 'live')).toEqual({ items: [], read: 0, total: 0 })
    expect(await deadLettersOf(fakeLog({ [GRAVES]: [[]] }), 'live')).toEqual({ items: [], read: 0, total: 0 })
    const log = fakeLog({ [GRAVES]: [at(buried(3, 'count: no'))] })
    const details = { offset: 0, topic: GRAVES, partition: 0, first: 3, next: 3 }
    log.read = () => {
      throw new FcmError('OFFSET_OUT_OF_RANGE', details)
    }
    expect(await deadLettersOf(log, 'live')).toMatchObject({ items: [], read: 0 })
    log.read = () => {
      throw new FcmError('LOG_BROKEN', { file: 'x', why: 'y' })
    }
    await expect(deadLettersOf(log, 'live')).rejects.toMatchObject({ code: 'LOG_BROKEN' })
  })
})
