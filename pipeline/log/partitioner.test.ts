import { expect, test } from 'vitest'
import { murmur2, partitionOf } from './partitioner.ts'

// The expected values are those of Kafka's own UtilsTest.testMurmur2.
test.each([
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
])('murmur2 of %s is that of Kafka', (key, hash) => {
  expect(murmur2(Buffer.from(key))).toBe(hash)
})

test('a negative hash gives a partition too', () => {
  // -973932308 & 0x7fffffff = 1173551340
  expect(partitionOf(Buffer.from('21'), 8)).toBe(1173551340 % 8)
  expect(partitionOf(Buffer.from('21'), 7)).toBe(1173551340 % 7)
  expect(partitionOf(Buffer.from('21'), 1)).toBe(0)
})
