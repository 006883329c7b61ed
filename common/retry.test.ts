import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { FcmError } from './errors.ts'
import { onFirst, untilItPasses } from './retry.ts'

const away = (code: 'LOG_FULL' | 'KAFKA_UNREACHABLE') => new FcmError(code, { file: 'f', why: 'it is away' })

test('what may pass is tried again, and told when it is of another kind than before; what may not ends it', async () => {
  const failures = [away('LOG_FULL'), away('LOG_FULL'), away('KAFKA_UNREACHABLE'), new TypeError('a fault')]
  const told: string[] = []
  const work = async () => {
    throw failures.shift()
  }
  const tried = untilItPasses(
    work,
    onFirst(({ code }) => told.push(code)),
  )
  await expect(tried).rejects.toThrow('a fault')
  expect(told).toEqual(['LOG_FULL', 'KAFKA_UNREACHABLE'])
})

test('it waits longer each time', async () => {
  const at: number[] = []
  const work = async () => {
    at.push(performance.now())
    if (at.length < 4) throw away('LOG_FULL')
  }
  await untilItPasses(work, () => {})
  const waits = at.slice(1).map((time, i) => time - at[i]!)
  expect(waits.map((ms, i) => ms >= 50 * 2 ** i - 2)).toEqual([true, true, true])
})

test('told to end, it does so at once while it waits, and not before an attempt has ended', async () => {
  const stop = new AbortController()
  let stoppedAt = 0
  const work = async () => {
    throw away('LOG_FULL')
  }
  const end = (_: FcmError, attempt: number) => {
    if (attempt < 6) return
    stoppedAt = performance.now()
    setImmediate(() => stop.abort(new Error('told to')))
  }
  await expect(untilItPasses(work, end, stop.signal)).rejects.toThrow('told to')
  // It would have waited for 1.6 s at least.
  expect(performance.now() - stoppedAt).toBeLessThan(1500)

  const told = new AbortController()
  const lasting = untilItPasses(
    () => sleep(50).then(() => 'done'),
    () => {},
    told.signal,
  )
  told.abort()
  expect(await lasting).toBe('done')
})
