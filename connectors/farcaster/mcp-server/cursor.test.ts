import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ArgumentError, readCursor, writeCursor } from './cursor.ts'

const isPair = (at: unknown[]): at is [number, string] =>
  at.length === 2 && typeof at[0] === 'number' && typeof at[1] === 'string'

test('a cursor comes back for its own list alone', () => {
  fc.assert(
    fc.property(
      fc.string(),
      fc.string(),
      fc.nat(),
      fc.string({ unit: 'grapheme' }),
      (list, other, n, text) => {
        const cursor = writeCursor(list, [n, text])
        expect(readCursor(list, cursor, isPair)).toEqual([n, text])
        if (other !== list) expect(() => readCursor(other, cursor, isPair)).toThrow(ArgumentError)
      },
    ),
  )
})

test('what nobody made, or somebody changed, is refused in words', () => {
  const made = writeCursor('list', [7, 'x'])
  const json = fc.json().map((text) => Buffer.from(text).toString('base64url'))
  const changed = fc
    .tuple(fc.nat(made.length - 1), fc.base64String())
    .map(([at, put]) => made.slice(0, at) + put)
  const nested = fc.constant(Buffer.from('['.repeat(1400)).toString('base64url'))
  fc.assert(
    fc.property(fc.oneof(fc.string(), json, changed, nested), (cursor) => {
      try {
        // Base64 may be written in more than one way.
        expect(readCursor('list', cursor, isPair)).toEqual([7, 'x'])
      } catch (error) {
        expect(error).toBeInstanceOf(ArgumentError)
      }
    }),
    { numRuns: 2000 },
  )
})
