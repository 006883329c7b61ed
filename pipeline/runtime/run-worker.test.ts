import { Registry } from 'prom-client'
import { expect, onTestFinished, test } from 'vitest'
import { FcmError } from '../../common/errors.ts'
import { createMetrics, type Host } from './host.ts'
import { runWorker } from './run-worker.ts'
import { workerContract } from './worker.contract.ts'
import { fakeOutbox, fakeWorker } from './worker.fake.ts'

workerContract('the fake worker', async () => {
  const kept: { place?: number; done: string[] } = { done: [] }
  return {
    worker: fakeWorker(kept),
    again: () => fakeWorker(kept),
    changes: ['a', 'b', 'c'].map((what, i) => ({ place: i + 1, what })),
    done: async () => kept.done,
  }
})

function hostOf(forced = new AbortController().signal) {
  const failures: unknown[] = []
  const waits: string[] = []
  const logger = { info() {}, warn() {}, error() {} }
  const host = {
    ...{ run: 'test', logger, metrics: createMetrics(new Registry()), forced },
    onFailure: (error: unknown) => void failures.push(error),
    onWaiting: ({ code }: FcmError) => void waits.push(code),
  } as unknown as Host
  return { host, failures, waits }
}
const away = () => new FcmError('DATABASE_UNREACHABLE', { why: 'it restarts' })

test('all that happens is worked off in order, more than a batch at a time, and across restarts', async () => {
  const outbox = fakeOutbox()
  const kept: { place?: number; done: string[] } = { done: [] }
  const all = Array.from({ length: 250 }, (_, i) => `${i}`)
  outbox.happen(...all.slice(0, 220))
  const { host, failures } = hostOf()
  const first = runWorker(host, outbox, fakeWorker(kept))
  await expect.poll(() => kept.done.length).toBe(220)
  await first.stop()
  outbox.happen(...all.slice(220))
  const second = runWorker(host, outbox, fakeWorker(kept))
  await expect.poll(() => kept.done).toEqual(all)
  await second.stop()
  expect(failures).toEqual([])
})

test('one without a place begins with what is to come', async () => {
  const outbox = fakeOutbox()
  outbox.happen('before')
  const done: string[] = []
  let asked = 0
  const { host } = hostOf()
  const changes: typeof outbox.changes = (...asking) => {
    asked++
    return outbox.changes(...asking)
  }
  const running = runWorker(
    host,
    { ...outbox, changes },
    {
      name: 'fresh',
      place: async () => undefined,
      work: async (changes) => void done.push(...changes.map(({ what }) => what)),
    },
  )
  onTestFinished(() => running.stop())
  await expect.poll(() => asked).toBe(1)
  outbox.happen('after')
  await expect.poll(() => done).toEqual(['after'])
})

test('what may pass is waited for and told of, and each change is done once', async () => {
  const outbox = fakeOutbox()
  outbox.happen('a', 'b', 'c')
  const kept = { done: [] as string[] }
  const { host, waits, failures } = hostOf()
  const running = runWorker(host, outbox, fakeWorker(kept, new Map([['b', away()]])))
  await expect.poll(() => kept.done).toEqual(['a', 'b', 'c'])
  await running.stop()
  expect([waits, failures]).toEqual([['DATABASE_UNREACHABLE'], []])
})

test('what does not pass ends it, and nothing behind it is done', async () => {
  const outbox = fakeOutbox()
  outbox.happen('a', 'b', 'c')
  const kept = { done: [] as string[] }
  const fault = new Error('a fault')
  const { host, failures } = hostOf()
  const running = runWorker(host, outbox, fakeWorker(kept, new Map([['b', fault]])))
  await expect.poll(() => failures).toEqual([fault])
  await running.stop()
  expect(kept.done).toEqual(['a'])
})

test('it stops in the middle of a wait, which is no failure', async () => {
  const { host, failures, waits } = hostOf()
  const changes = async () => {
    throw away()
  }
  const running = runWorker(host, { ...fakeOutbox(), changes }, fakeWorker())
  await expect.poll(() => waits.length).toBe(1)
  await running.stop()
  expect(failures).toEqual([])
})
