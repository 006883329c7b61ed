import { expect, test } from 'vitest'
import { RECORD_TYPES } from '../schemas/codec.ts'
import { LIVE, ROLES, runsOf, standing, type Topic, topicOf, topicSpecs, topology } from './topology.ts'

const specs = topicSpecs(LIVE, 6)
const names = specs.map(({ name }) => name.split('.').at(-1) as Topic)

test('every record has one topic where it may stand', () => {
  for (const type of RECORD_TYPES) {
    expect([type, names.filter((name) => standing(name, type) === 'belongs').length]).toEqual([type, 1])
  }
})

test('all that is read is written by somebody, upstream of who reads it', () => {
  // What people do comes from outside: by the API.
  const written = new Set<Topic>(['desk'])
  for (const role of ROLES) {
    // `sum` gives back to `counts` what came from there.
    for (const topic of topology[role].reads) expect([role, written.has(topic)]).toEqual([role, true])
    for (const topic of topology[role].writes) written.add(topic)
  }
})

test('a record is told from one of an older release, and from one that went to the wrong place', () => {
  expect(standing('counts', 'Idle')).toBe('belongs')
  expect(standing('counts', 'Partial')).toBe('passed-over')
  expect(standing('partials', 'Partial')).toBe('belongs')
  expect(standing('activity', 'Partial')).toBe('misplaced')
})

test('what one adds up stands in one partition; a named run keeps all', () => {
  const of = (run: string, topic: Topic) =>
    topicSpecs(run, 6).find(({ name }) => name === topicOf(run, topic))
  expect(of(LIVE, 'partials')?.partitions).toBe(1)
  expect(of(LIVE, 'counts')?.partitions).toBe(6)
  expect(of(LIVE, 'counts')?.retentionMs).toBe(365 * 24 * 3600 * 1000)
  expect(of('history', 'counts')?.retentionMs).toBe(Number.POSITIVE_INFINITY)
  expect(runsOf(specs.map(({ name }) => name))).toEqual([LIVE])
})
