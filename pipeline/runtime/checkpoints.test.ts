import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FcmError } from '../../common/errors.ts'
import type { EventLog } from '../log/port.ts'
import { topicOf, topicSpecs } from '../topology.ts'
import { checkpointsOf } from './checkpoints.ts'
import { type Bench, openBench, RUN } from './testing.ts'

let it: Bench
beforeEach(async () => {
  it = await openBench()
})
afterEach(() => it.close())

describe('a checkpoint', () => {
  const checkpoints = (version = 1) =>
    checkpointsOf({
      log: it.log,
      topic: topicOf(RUN, 'checkpoints'),
      stage: 'count',
      version,
      partition: 0,
    })
  const written = () => it.readAll(topicOf(RUN, 'checkpoints'))
  beforeEach(() => it.log.ensureTopics(topicSpecs(RUN, 1)))

  test('of any size comes back, the newest first', async () => {
    const writer = checkpoints()
    await writer.save({ text: 'old' }, 1)
    const large = 'x'.repeat(1_500_000)
    await writer.save({ text: large }, 20)
    expect(await checkpoints().restore()).toMatchObject({ state: { text: large }, offset: 20 })
  })

  test('that is not whole is passed over for the one before', async () => {
    const writer = checkpoints()
    await writer.save({ text: 'old' }, 1)
    await writer.save({ text: 'new' }, 2)
    const chunk = (await written()).find(({ key }) => /\/2-[^/]*\/0$/.test(key))!
    const torn = { topic: chunk.topic, partition: 0, key: chunk.key, value: Buffer.from('torn') }
    await it.log.append([torn])
    expect(await checkpoints().restore()).toMatchObject({ state: { text: 'old' }, offset: 1 })
  })

  test('where none is whole, nothing is begun anew in silence: it may pass', async () => {
    await checkpoints().save({ text: 'only' }, 1)
    const chunk = (await written()).find(({ key }) => key.endsWith('/0'))!
    const { topic, key, value } = chunk
    await it.log.append([{ topic, partition: 0, key, value: Buffer.from('torn') }])
    await expect(checkpoints().restore()).rejects.toMatchObject({ code: 'STATE_UNREADABLE', retry: true })
    await it.log.append([{ topic, partition: 0, key, value }])
    expect(await checkpoints().restore()).toMatchObject({ state: { text: 'only' } })
  })

  test('from a process that was replaced does not win over a newer one', async () => {
    const zombie = checkpoints()
    await zombie.save({ text: 'zombie' }, 5)
    const owner = checkpoints()
    await owner.restore()
    await owner.save({ text: 'owner' }, 9)
    await zombie.save({ text: 'zombie' }, 7)
    expect(await checkpoints().restore()).toMatchObject({ state: { text: 'owner' }, offset: 9 })
  })

  test('leaves only itself and the one before; older ones are deleted', async () => {
    const writer = checkpoints()
    for (const offset of [1, 2, 3, 4]) await writer.save({ text: `${offset}` }, offset)
    const last = new Map((await written()).map(({ key, value }) => [key, value]))
    const standing = [...last].filter(([key, value]) => value && key.endsWith('manifest')).map(([key]) => key)
    expect(standing.map((key) => key.split('/')[2]!.split('-')[0])).toEqual(['3', '4'])
    expect([...last].filter(([, value]) => value)).toHaveLength(4)
  })

  test('whose write is tried again leaves no more behind', async () => {
    let refuse = false
    const unsure: EventLog = {
      ...it.log,
      append: (records) =>
        refuse ? Promise.reject(new FcmError('LOG_FULL', { file: 'f' })) : it.log.append(records),
    }
    const options = { topic: topicOf(RUN, 'checkpoints'), stage: 'count', version: 1, partition: 0 }
    const writer = checkpointsOf({ log: unsure, ...options })
    for (let offset = 1; offset <= 6; offset++) {
      refuse = true
      await expect(writer.save({ text: 'x' }, offset)).rejects.toThrow(/full/)
      refuse = false
      await writer.save({ text: 'x' }, offset)
    }
    const last = new Map((await written()).map(({ key, value }) => [key, value]))
    expect([...last].filter(([key, value]) => value && key.endsWith('manifest'))).toHaveLength(2)
  })

  test('whose write was cut off leaves nothing for ever', async () => {
    let room = 2
    const dying: EventLog = {
      ...it.log,
      append: (records) => (room-- > 0 ? it.log.append(records) : Promise.reject(new Error('killed'))),
    }
    const options = { topic: topicOf(RUN, 'checkpoints'), stage: 'count', version: 1, partition: 0 }
    const large = 'x'.repeat(1_500_000)
    await expect(checkpointsOf({ log: dying, ...options }).save({ text: large }, 1)).rejects.toThrow('killed')
    const next = checkpoints()
    expect(await next.restore()).toBeNull()
    for (const offset of [2, 3]) await next.save({ text: 'y' }, offset)
    const last = new Map((await written()).map(({ key, value }) => [key, value]))
    expect([...last].filter(([key, value]) => value && key.includes('/1-'))).toEqual([])
    expect([...last].filter(([, value]) => value)).toHaveLength(4)
  })

  test('of a higher version wins over one that stands further on', async () => {
    await checkpoints(1).save({ text: 'old' }, 100)
    const owner = checkpoints(2)
    await owner.restore()
    await owner.save({ text: 'new' }, 1, { from: 0, to: 5, silent: true })
    await checkpoints(1).save({ text: 'zombie' }, 200)
    expect(await checkpoints(2).restore()).toMatchObject({
      ...{ state: { text: 'new' }, version: 2, offset: 1, rebuild: { from: 0, to: 5, silent: true } },
    })
  })

  test('is restored by reading the topic once, and its own chunks again', async () => {
    const writer = checkpoints()
    for (const offset of [1, 2, 3]) await writer.save({ text: 'x'.repeat(1_500_000) }, offset)
    let read = 0
    const counting: EventLog = {
      ...it.log,
      async *read(...args) {
        for await (const rec of it.log.read(...args)) {
          read += rec.value?.length ?? 0
          yield rec
        }
      },
    }
    const options = { topic: topicOf(RUN, 'checkpoints'), stage: 'count', version: 1, partition: 0 }
    const restored = await checkpointsOf({ log: counting, ...options }).restore()
    expect(restored?.offset).toBe(3)
    expect(read).toBeLessThan(4.5 * restored!.bytes)
  })
})
