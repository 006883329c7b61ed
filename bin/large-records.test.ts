/** Records as large as may be, on their way through the parts and out at a terminal. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { topicOf } from '../pipeline/topology.ts'
import { castLine, openServing } from './served.fixture.ts'

const it = await openServing()
afterAll(it.close)

describe('records of 5 MB', () => {
  const RUN = 'large'
  const LARGE = 5 << 20
  const LETTER = Buffer.concat([Buffer.from([0, 0, 0, 0, 1]), Buffer.alloc(LARGE, 0xff)])

  test('go through, and what can not be read is buried whole, listed short and sent again', async () => {
    await it.engines.openRun(RUN)
    const file = join(it.dir, 'large.ndjson')
    const text = 'é\u{1f600}'.repeat(LARGE / 6)
    const noise = `{"data": ${'"'.repeat(LARGE)}`
    writeFileSync(
      file,
      [castLine(0, { text }), castLine(1, { text: 'gm' }), noise, castLine(900, {})].join('\n'),
    )
    const before = process.memoryUsage().rss
    expect(await it.publishFile(RUN, file)).toEqual({ finished: true })
    const topic = topicOf(RUN, 'activity')
    await it.engines.log.append([{ topic, key: 'x', value: LETTER, headers: { kept: 'yes' } }])
    await it.processed(RUN)

    const counts = await it.printed('export', 'counts', '--run', RUN, '--series', 'posts:_')
    expect(counts).toMatch(/posts:_,2026-01-05T00:00:00Z,300,2,0,/)
    const list = await it.printed('dead-letters', 'list', '--run', RUN)
    expect(list.trimEnd().split('\n')).toHaveLength(3)
    expect(list.length).toBeLessThan(2000)
    const letters: { source: string; bytes: number }[] = JSON.parse(
      await it.printed('dead-letters', 'list', '--run', RUN, '--json'),
    )
    expect(letters.map(({ bytes }) => bytes).sort()).toEqual([LETTER.length, noise.length].sort())
    const { source } = letters.find(({ bytes }) => bytes === LETTER.length)!

    // Nothing is sent before all that were named are known.
    await expect(
      it.printed('dead-letters', 'redrive', source, `${topic}/0/999`, '--run', RUN),
    ).rejects.toMatchObject({
      code: 'DEAD_LETTER_UNKNOWN',
      exit: 2,
    })
    const [, partition, offset] = source.split('/').map(Number)
    const tp = { topic, partition: partition! }
    const next = async () => (await it.engines.log.ends(topic))[partition!]!.next
    const end = await next()
    expect(end).toBe(offset! + 1)
    expect(await it.printed('dead-letters', 'redrive', source, '--run', RUN)).toBe('1 sent again.\n')
    expect(await next()).toBe(end + 1)
    for await (const { key, value, headers } of it.engines.log.read(tp, end)) {
      expect({ key, headers }).toEqual({ key: 'x', headers: { kept: 'yes' } })
      expect(LETTER.equals(value!)).toBe(true)
    }
    // Some copies of what is under way, not of all that is read and written again.
    expect(process.memoryUsage().rss - before).toBeLessThan(600 << 20)
  })
})
