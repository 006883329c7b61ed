import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Leadership, LeadOptions } from '../port.ts'
import { type UnderTest, until } from './bench.ts'

/** Who is the only one of a group. */
export function leaderContract(on: UnderTest): void {
  type Candidate = { leadership: Leadership; turns: number; isLeading: boolean; failures: unknown[] }

  async function candidate(
    topic: string,
    group: string,
    options: Partial<LeadOptions> = {},
  ): Promise<Candidate> {
    const one = { turns: 0, isLeading: false, failures: [] as unknown[] }
    const leadership = await on.log.lead(
      { topic, partition: 0 },
      {
        group,
        async work(over) {
          one.turns++
          one.isLeading = true
          await new Promise((resolve) => over.addEventListener('abort', resolve))
          await sleep(20)
          one.isLeading = false
        },
        onFailure: (error) => one.failures.push(error),
        ...options,
      },
    )
    return Object.assign(one, { leadership })
  }

  test('of several one leads; when it leaves, another does, and none does twice', async () => {
    const [topic, group] = [await on.it.topic(3), randomUUID()]
    const all = [await candidate(topic, group)]
    await until(() => all[0]!.isLeading)
    all.push(await candidate(topic, group), await candidate(topic, group))
    const leaders = () => all.filter(({ isLeading }) => isLeading)
    await sleep(100)
    await until(() => leaders().length === 1)
    for (let left = 3; left > 0; left--) {
      await until(() => leaders().length === 1)
      const [leader] = leaders()
      await leader!.leadership.stop()
      // Its work has ended, not only been told to.
      expect(leader!.isLeading).toBe(false)
    }
    expect(leaders()).toEqual([])
    expect(all.flatMap(({ failures }) => failures)).toEqual([])
  })

  test('work that fails is told, and another leads', async () => {
    const [topic, group] = [await on.it.topic(), randomUUID()]
    const failing = new Error('it broke')
    const broken = await candidate(topic, group, { work: () => Promise.reject(failing) })
    await until(() => broken.failures.length > 0)
    expect(broken.failures).toEqual([failing])
    await broken.leadership.stop()
    const sound = await candidate(topic, group)
    await until(() => sound.isLeading)
    await sound.leadership.stop()
  })

  test('work that has ended by itself is not begun again', async () => {
    const [topic, group] = [await on.it.topic(), randomUUID()]
    let turns = 0
    const done = await candidate(topic, group, { work: async () => void turns++ })
    await until(() => turns === 1)
    await sleep(50)
    expect(turns).toBe(1)
    await done.leadership.stop()
  })
}
