import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { deadLetter, parseDeadLetter } from './dead-letter.ts'
import type { NewRec, Rec } from './port.ts'

const appended = (rec: NewRec): Rec => ({ partition: 0, offset: 7, time: 1, headers: {}, ...rec })

const record: Rec = {
  topic: 'fcm.live.activity',
  partition: 3,
  offset: 42,
  time: 5,
  key: 'https://example.org/a:1',
  value: Buffer.from([0, 0, 0, 1, 2, 9]),
  headers: { trace: 'abc' },
}

describe('a dead letter', () => {
  it('keeps bytes, key, headers and place of a record', () => {
    const letter = deadLetter('fcm.live.dead-letters', record, 'no such schema')
    expect(letter).toMatchObject({
      topic: 'fcm.live.dead-letters',
      key: 'fcm.live.activity',
      value: record.value,
    })
    expect(parseDeadLetter(appended(letter))).toEqual({
      reason: 'no such schema',
      source: 'fcm.live.activity/3/42',
      origin: { topic: 'fcm.live.activity', partition: 3, offset: 42 },
      key: record.key,
      value: record.value,
      headers: { trace: 'abc' },
      schemaId: 258,
    })
  })

  it('keeps the place of a line, also of a file that is called like a record or with colons', () => {
    for (const file of ['a/1/2', 'C:\\x:7', 'new\nline', '/data/casts.ndjson.gz']) {
      const letter = deadLetter('d', { file, line: 12, bytes: Buffer.from('{oops') }, 'not JSON')
      expect(letter.key).toBe('archive')
      expect(parseDeadLetter(appended(letter))).toMatchObject({
        source: `${file}:12`,
        origin: { file, line: 12 },
        key: null,
        value: Buffer.from('{oops'),
        schemaId: null,
      })
    }
  })

  it('gives back the original headers, whatever they are called, also of a letter that died twice', () => {
    const names = fc.oneof(fc.string(), fc.constantFrom('fcm-reason', 'fcm-source', 'fcm-original-fcm-key'))
    fc.assert(
      fc.property(fc.dictionary(names, fc.string(), { noNullPrototype: true }), (headers) => {
        const twice = deadLetter('d', appended(deadLetter('d', { ...record, headers }, 'once')), 'twice')
        const outer = parseDeadLetter(appended(twice))!
        expect(outer.reason).toBe('twice')
        expect(parseDeadLetter({ ...record, headers: outer.headers })).toMatchObject({
          reason: 'once',
          headers,
        })
      }),
    )
  })

  it('is not seen in other records, and reads no schema id from bytes that have none', () => {
    expect(parseDeadLetter(record)).toBeNull()
    for (const value of [null, Buffer.alloc(0), Buffer.from([0, 0, 0, 1]), Buffer.from('hello')]) {
      expect(parseDeadLetter(appended(deadLetter('d', { ...record, value }, 'x')))!.schemaId).toBeNull()
    }
  })

  it('caps the reason', () => {
    expect(deadLetter('d', record, 'x'.repeat(10_000)).headers!['fcm-reason']).toHaveLength(500)
  })
})
