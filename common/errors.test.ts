import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FcmError } from './errors.ts'

const message = (file: string): string => new FcmError('FILE_UNREADABLE', { file, why: 'gone' }).message

test('a message says what it is about; the details are kept as they are', () => {
  const error = new FcmError('FILE_UNREADABLE', { file: 'a\nb', why: 'gone' })
  expect(error.message).toBe("Can't read a b: gone.")
  expect(error.details).toEqual({ file: 'a\nb', why: 'gone' })
  expect(error).toMatchObject({ code: 'FILE_UNREADABLE', exit: 2, retry: false })
})

test('whatever it quotes, it is one line of text in one direction, and not too long', () => {
  const odd = fc.constantFrom(
    '\u001b[2J',
    '\u001b]0;x\u0007',
    '\n',
    '\r',
    '\0',
    '\u202e',
    '\u2028',
    '\ud800',
    '\u009b1m',
  )
  const text = fc
    .array(fc.oneof(odd, fc.string({ unit: 'binary' })), { maxLength: 20 })
    .map((parts) => parts.join(''))
  fc.assert(
    fc.property(text, fc.constantFrom(1, 100), (part, times) => {
      const said = message(part.repeat(times))
      expect(said).not.toMatch(/[\p{Cc}\u202a-\u202e\u2066-\u2069\u2028\u2029]/u)
      expect(said.isWellFormed()).toBe(true)
    }),
  )
  expect(message('x'.repeat(5_000_000))).toMatch(/^Can't read x{500}…: gone\.$/)
  expect(message(`${'x'.repeat(499)}😀`).isWellFormed()).toBe(true)
})

test('numbers and names of objects stay what they are', () => {
  expect(new FcmError('NO_ARCHIVE', { lines: 3, run: '__proto__' }).message).toMatch(
    /^None of 3 lines .*__proto__/,
  )
})
