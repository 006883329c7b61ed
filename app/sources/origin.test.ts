import { afterAll, expect, test } from 'vitest'
import { openEmbeddedLog } from '../../pipeline/log/embedded/embedded.ts'
import { LIVE, topicOf, topicSpecs } from '../../pipeline/topology.ts'
import { temporaryDir } from '../testing.ts'
import { checkOrigin, noteOrigin, noticeOf, type Origin } from './origin.ts'

const { dir, remove } = temporaryDir()
const log = await openEmbeddedLog(dir)
afterAll(async () => {
  await log.close()
  remove()
})

const something = (run: string) => ({ topic: topicOf(run, 'activity'), key: 'k', value: Buffer.of(0) })

let runs = 0
/** A run that is made from `before`; what comes of going on with `now`. */
async function goOn(before: Origin, now: Origin, run = `run-${++runs}`) {
  await log.ensureTopics(topicSpecs(run, 2))
  await noteOrigin(log, run, before)
  await log.append([something(run)])
  return noteOrigin(log, run, now).catch((error) => error.message)
}

const simulation = (seed: number): Origin => ({ kind: 'simulation', seed, speed: 600 })
const archives = (from: string | null, ...files: [name: string, bytes: number][]): Origin => ({
  ...{ kind: 'archives', from },
  files: files.map(([name, bytes]) => ({ name, bytes })),
})

test.each([
  ['the same simulation', simulation(4), simulation(4)],
  ['a server', { kind: 'server' }, { kind: 'server' }],
  ['the same archives', archives(null, ['a', 3], ['b', 4]), archives(null, ['a', 3], ['b', 4])],
  ['an archive that has grown', archives(null, ['a', 3], ['b', 4]), archives(null, ['a', 3], ['b', 5])],
  [
    'one archive more',
    archives('2024-01-01T00:00:00Z', ['a', 3]),
    archives('2024-01-01T00:00:00Z', ['a', 4], ['b', 4]),
  ],
] satisfies [string, Origin, Origin][])('a run goes on with %s', async (_, before, now) => {
  expect(await goOn(before, now)).toBeUndefined()
})

test.each([
  [simulation(4), simulation(8), /holds a simulation with seed 4, not a simulation with seed 8/],
  [simulation(4), { kind: 'server' }, /holds a simulation with seed 4, not what was polled from a server/],
  [{ kind: 'server' }, simulation(4), /holds what was polled from a server, not a simulation with seed 4/],
  [archives(null, ['a', 3]), archives(null, ['a', 2]), /was begun with a\. Go on with that/],
  [archives(null, ['a', 3]), archives(null, ['b', 3]), /was begun with a\./],
  [archives(null, ['a', 3], ['b', 4]), archives(null, ['a', 3]), /was begun with a, b\./],
  [archives(null, ['a', 3], ['b', 4]), archives(null, ['a', 4], ['b', 4]), /was begun with a, b\./],
  [
    archives('2024-01-01T00:00:00Z', ['a', 3]),
    archives(null, ['a', 3]),
    /was begun with a --from 2024-01-01T00:00:00Z\./,
  ],
] satisfies [Origin, Origin, RegExp][])('%j is not %j', async (before, now, words) => {
  expect(await goOn(before, now)).toMatch(words)
})

test('what an archive has grown to is the least that the next must have; a run that was deleted begins with anything', async () => {
  const run = 'again'
  expect(await goOn(archives(null, ['a', 3]), archives(null, ['a', 5]), run)).toBeUndefined()
  await expect(noteOrigin(log, run, archives(null, ['a', 4]))).rejects.toMatchObject({
    code: 'ARCHIVE_DIFFERS',
  })
  await log.deleteTopics(topicSpecs(run, 2).map(({ name }) => name))
  expect(await goOn(archives(null, ['b', 1]), archives(null, ['b', 1]), run)).toBeUndefined()
})

test('what nothing has come of binds nobody; what stands there without a note binds all', async () => {
  await log.ensureTopics(topicSpecs('empty', 2))
  await noteOrigin(log, 'empty', { kind: 'server' })
  expect(await goOn(simulation(4), simulation(4), 'empty')).toBeUndefined()

  await log.ensureTopics(topicSpecs('old', 2))
  await log.append([something('old')])
  for (const origin of [simulation(4), { kind: 'server' } as const, archives(null, ['a', 1])]) {
    const words = /holds what an earlier version of fcm has written, not /
    await expect(checkOrigin(log, 'old', origin)).rejects.toThrow(words)
    await expect(noteOrigin(log, 'old', origin)).rejects.toThrow(words)
  }
})

test('that run live is simulated is to be known, and nothing else', async () => {
  expect(await noticeOf(log)).toBe(null)
  await log.ensureTopics(topicSpecs(LIVE, 2))
  expect(await noticeOf(log)).toBe(null)
  await noteOrigin(log, LIVE, simulation(4))
  expect(await noticeOf(log)).toBe('Simulated network (seed 4), at most 600 times real time')
  await noteOrigin(log, LIVE, { kind: 'server' })
  expect(await noticeOf(log)).toBe(null)
})
