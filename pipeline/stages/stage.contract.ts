import { deserialize, serialize } from 'node:v8'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Input, InputOf, Stage } from '../runtime/stage.ts'
import { byKey, drive, type Output } from '../testing/drive.ts'
import { type StageRole, standing, topology } from '../topology.ts'

const ordered = (outputs: readonly Output[]) =>
  byKey(outputs.map((output) => ({ ...output, key: `${output.topic} ${output.key}` })))

/** What the runtime takes for granted of a stage. `inputs`: of one partition, enough to bring out all that it has to say. */
export function stageContract<Name extends StageRole, S>(
  create: () => Stage<Name, S>,
  inputs: () => Promise<readonly Input[]>,
): void {
  const { name } = create()
  describe(`stage ${name} keeps the contract of stages:`, () => {
    let all: readonly Input[]
    let expected: Output[]
    beforeAll(async () => {
      all = await inputs()
      expected = await drive(create(), all)
      expect(expected.length).toBeGreaterThan(10)
    })

    test('it writes what belongs on the topics that are its to write', () => {
      const writes: readonly string[] = topology[name].writes
      for (const { topic, record } of expected) {
        expect([topic, writes.includes(topic)]).toEqual([topic, true])
        expect([topic, record.type, standing(topic, record.type)]).toEqual([topic, record.type, 'belongs'])
      }
    })

    test.each([{ batch: 1 }, { batch: 7 }, { batch: 1000, restart: true }])(
      'it writes the same in batches of %o',
      async (options) => {
        // In a batch, what is urgent may overtake other keys.
        expect(ordered(await drive(create(), all, options))).toEqual(ordered(expected))
      },
    )

    test('its state is plain data, and nothing is left to say at the end of a batch', async () => {
      const stage = create()
      const state = stage.initial(0)
      for (const input of all.slice(0, all.length / 2)) stage.apply(state, input as InputOf<Name>)
      await stage.settle(state, () => {})
      expect(deserialize(serialize(state))).toEqual(state)
      const more: unknown[] = []
      await stage.settle(state, (...output) => void more.push(output))
      expect(more).toEqual([])
    })

    test('what it is given again makes it say nothing else', async () => {
      const repeated = Array.from({ length: Math.ceil(all.length / 100) }, (_, i) => [
        ...all.slice(i * 100, (i + 1) * 100),
        ...all.slice(Math.max(0, i * 100 - 20), (i + 1) * 100),
      ]).flat()
      const said = (outputs: readonly Output[]) => new Set(outputs.map((output) => JSON.stringify(output)))
      expect(said(await drive(create(), repeated))).toEqual(said(expected))
    })
  })
}
