/** What is wrong with a record, with the program, and with what both depend on: buried, ended, waited for. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FcmError } from '../../common/errors.ts'
import type { Codec } from '../../schemas/codec.ts'
import { parseDeadLetter } from '../log/dead-letter.ts'
import type { EventLog } from '../log/port.ts'
import { topicOf } from '../topology.ts'
import { backlog } from './lag.ts'
import { runStage } from './run-stage.ts'
import type { Stage } from './stage.ts'
import { adding, alertEvent, type Bench, INPUT, input, openBench, RUN, type Sum } from './testing.ts'

let it: Bench
beforeEach(async () => {
  it = await openBench()
})
afterEach(() => it.close())

describe('a stage', () => {
  test('a record that can not be processed is dead-lettered with its bytes, and the rest goes on', async () => {
    const cut = it.codec.encode(input(3)).subarray(0, 7)
    const unknown = Buffer.from([0, 0, 0, 99, 99, 1, 2])
    const text = Buffer.from('not avro')
    await it.fill([input(1), cut, unknown, text, alertEvent(1), input(2, -1), input(4)])
    await it.runThrough()
    expect((await it.results()).map(({ count }) => count)).toEqual([1, 5])
    const letters = (await it.readAll(topicOf(RUN, 'dead-letters'))).map((rec) => parseDeadLetter(rec)!)
    expect(letters.map(({ source }) => source)).toEqual(
      [1, 2, 3, 4, 5].map((offset) => `${INPUT}/0/${offset}`),
    )
    expect(Buffer.compare(letters[0]!.value!, cut)).toBe(0)
    expect(letters[1]).toMatchObject({
      schemaId: 0x6363,
      reason: expect.stringContaining('No schema has the id'),
    })
    expect(letters[3]?.reason).toMatch(/AlertEvent does not belong in fcm.test.counts/)
    expect(letters[4]?.reason).toMatch(/n is below zero/)
  })

  test('a fault of the program ends the role; it does not skip the record', async () => {
    await it.fill([input(1)])
    const broken: Stage<'detect', Sum> = {
      ...adding(),
      apply() {
        throw new TypeError('undefined is not a function')
      },
    }
    const failure = new Promise((resolve) => {
      void runStage(it.hostOn(it.log, { onFailure: resolve }), broken)
    })
    expect(await failure).toBeInstanceOf(TypeError)
    expect(await backlog(it.log, RUN, ['detect'])).toBe(1)
  })

  test.each(['REGISTRY_REFUSED', 'REGISTRY_MISSING'])(
    '%s is no fault of a record: it ends the role, and buries nothing',
    async (why) => {
      await it.fill([input(1)])
      const refusing: Codec = {
        ...it.codec,
        decode: () => {
          throw new FcmError('SCHEMA_UNKNOWN', { id: 7 })
        },
        prepare: () =>
          Promise.reject(new FcmError(why as 'REGISTRY_REFUSED', { url: 'http://registry', why: '401' })),
      }
      const failure = new Promise((resolve) => {
        void runStage(it.hostOn(it.log, { codec: refusing, onFailure: resolve }), adding())
      })
      expect(await failure).toMatchObject({ code: why })
      expect(await backlog(it.log, RUN, ['detect'])).toBe(1)
      expect(await it.readAll(topicOf(RUN, 'dead-letters'))).toEqual([])
    },
  )

  test('waits while the log is full, and goes on by itself', async () => {
    await it.fill([input(1)])
    let refusals = 3
    const waits: string[] = []
    const full: EventLog = {
      ...it.log,
      async append(records) {
        if (refusals-- > 0) throw new FcmError('LOG_FULL', { file: 'log.sqlite' })
        await it.log.append(records)
      },
    }
    const running = await runStage(it.hostOn(full, { onWaiting: ({ code }) => waits.push(code) }), adding())
    await it.drained()
    await running.stop()
    expect(await it.results()).toHaveLength(1)
    expect(waits).toEqual(['LOG_FULL'])
  })
})
