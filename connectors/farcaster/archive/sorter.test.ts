import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { collect, temporaryFiles } from '../fixtures.ts'
import { compare, createSorter, type Entry } from './sorter.ts'

const { dir, file } = temporaryFiles()

const entry = fc.record({
  time: fc.oneof(fc.integer({ min: 0, max: 5 }), fc.constant(Number.POSITIVE_INFINITY)),
  rank: fc.nat(4),
  id: fc.uint8Array({ maxLength: 2 }).map((bytes) => Buffer.from(bytes)),
  bytes: fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
  tag: fc.tuple(fc.nat(9), fc.nat(1e6), fc.nat(2 ** 40 - 1)),
})
const plain = ({ id, bytes, ...rest }: Entry) => ({
  ...rest,
  id: id.toString('hex'),
  bytes: bytes.toString('hex'),
})

test('entries come in their order, through memory or through any number of runs', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(entry, { maxLength: 60 }),
      fc.constantFrom({}, { runEntries: 7 }, { runBytes: 30, fanIn: 3 }, { runEntries: 1, fanIn: 2 }),
      async (entries, limits) => {
        const sorter = createSorter(join(dir, 'sorting'), limits)
        for (const one of entries) await sorter.add(one)
        const sorted = await collect(sorter.sorted())
        await sorter.close()
        // Those that are equal in all that orders them differ by their tags alone.
        const byTag = (a: Entry, b: Entry) => compare(a, b) || a.tag.join().localeCompare(b.tag.join())
        expect(sorted.map((_, i) => i === 0 || compare(sorted[i - 1]!, sorted[i]!) <= 0)).not.toContain(false)
        expect(sorted.toSorted(byTag).map(plain)).toEqual(entries.toSorted(byTag).map(plain))
      },
    ),
  )
})

test('a large line passes through the buffers, and nothing lies in the directory meanwhile', async () => {
  const sorting = join(dir, 'large')
  const sorter = createSorter(sorting, { runBytes: 2 ** 20 })
  const large = (n: number) => Buffer.alloc(8 * 2 ** 20, n)
  for (const time of [3, 1, 2])
    await sorter.add({ time, rank: 0, id: Buffer.alloc(0), bytes: large(time), tag: [0, 0, 0] })
  expect(sorter.runs).toBe(3)
  // Nothing would be left by a process that ended here.
  expect(readdirSync(sorting)).toEqual([])
  const times: number[] = []
  for await (const { time, bytes } of sorter.sorted()) {
    expect(bytes.equals(large(time))).toBe(true)
    times.push(time)
  }
  expect(times).toEqual([1, 2, 3])
  await sorter.close()
})

test('what fits into memory touches no disk; a directory that can’t be written is named', async () => {
  const one: Entry = { time: 1, rank: 0, id: Buffer.alloc(0), bytes: Buffer.from('x'), tag: [0, 0, 0] }
  const inside = file('a file')
  const small = createSorter(inside)
  await small.add(one)
  expect(await collect(small.sorted())).toHaveLength(1)
  await expect(createSorter(inside, { runEntries: 1 }).add(one)).rejects.toMatchObject({
    code: 'DATA_DIR_UNUSABLE',
  })
})
