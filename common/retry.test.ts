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

test('once it is told to end it tries once, and not again', async () => {
  const stop = new AbortController()
  let tries = 0
  const tried = untilItPasses(
    async () => {
      tries++
      throw away('LOG_FULL')
    },
    // While it waits.
    () => void setImmediate(() => stop.abort(new Error('told to'))),
    stop.signal,
  )
  await expect(tried).rejects.toThrow('told to')
  expect(tries).toBe(1)
  expect(
    await untilItPasses(
      async () => 'done',
      () => {},
      stop.signal,
    ),
  ).toBe('done')
})
