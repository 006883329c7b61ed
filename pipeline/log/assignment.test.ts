import fc from 'fast-check'
import { expect, test } from 'vitest'
import { assign } from './assignment.ts'

const share = (members: string[], partitions: number, owner: (string | undefined)[] = []) =>
  assign(members, [{ name: 't', partitions, subscribers: members }], (tp) => owner[tp.partition])

test('every partition goes to one member, and none has two more than another', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 6 }),
      fc.nat(20),
      fc.array(fc.nat(6), { maxLength: 20 }),
      (members, partitions, owners) => {
        const shares = share(
          members,
          partitions,
          owners.map((i) => members[i]),
        )
        const all = [...shares.values()].flat().map((tp) => tp.partition)
        expect(all.toSorted((a, b) => a - b)).toEqual(Array.from({ length: partitions }, (_, i) => i))
        const sizes = [...shares.values()].map((s) => s.length)
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
      },
    ),
  )
})

test('no more partitions move than must', () => {
  const owner = ['a', 'b', 'b', 'a', 'b']
  const moved = (shares: ReturnType<typeof share>) =>
    [...shares].flatMap(([m, tps]) => tps.filter(({ partition }) => owner[partition] !== m)).length
  expect(moved(share(['a', 'b'], 5, owner))).toBe(0)
  // A third member is due one of five; a member that has left leaves its two.
  expect(moved(share(['a', 'b', 'c'], 5, owner))).toBe(1)
  expect(moved(share(['b', 'c'], 5, owner))).toBe(2)
})

test('a topic goes to those only that subscribe to it', () => {
  const topics = [
    { name: 'x', partitions: 2, subscribers: ['a'] },
    { name: 'y', partitions: 2, subscribers: ['a', 'b'] },
    { name: 'z', partitions: 1, subscribers: ['a', 'b'] },
    { name: 'nobody', partitions: 1, subscribers: [] },
  ]
  const shares = assign(['a', 'b'], topics, () => undefined)
  // b, which has the fewer so far, gets the odd ones.
  expect(shares.get('a')!.map((tp) => tp.topic)).toEqual(['x', 'x', 'y'])
  expect(shares.get('b')!.map((tp) => tp.topic)).toEqual(['y', 'z'])
})

test('who has a partition of one topic has the same of the others, and keeps both', () => {
  const topics = ['x', 'y'].map((name) => ({ name, partitions: 4, subscribers: ['a', 'b'] }))
  const first = assign(['a', 'b'], topics, () => undefined)
  const numbers = (m: string, topic: string, shares = first) =>
    shares.get(m)!.flatMap((tp) => (tp.topic === topic ? [tp.partition] : []))
  for (const m of ['a', 'b']) {
    expect(numbers(m, 'x')).toHaveLength(2)
    expect(numbers(m, 'x')).toEqual(numbers(m, 'y'))
  }
  const owner = (tp: { topic: string; partition: number }) =>
    [...first].find(([, tps]) => tps.some((t) => t.topic === tp.topic && t.partition === tp.partition))?.[0]
  expect(assign(['a', 'b'], topics, owner)).toEqual(first)
})
