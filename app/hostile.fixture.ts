/** Values that nobody means, and how they are to be refused. */
import { expect } from 'vitest'
import type { FcmError } from '../common/errors.ts'

/** One message for a person: of one line, not too long, and nothing in it drives a terminal. */
export function expectReadable(error: unknown): void {
  expect(error).toMatchObject({ name: 'FcmError', code: 'OPTION_INVALID', exit: 2 })
  const { message } = error as FcmError
  expect(message).not.toMatch(/[\p{Cc}\u202e\u2066]/u)
  expect(message.length).toBeLessThan(1500)
}

export const HOSTILE = [
  '\0',
  'x\ny',
  '\r\n',
  '\u001b[31mred',
  '\u202eevil',
  'x'.repeat(100_000),
  '\ud800',
  '__proto__',
]
export const NO_NUMBER = [
  'true',
  'false',
  'null',
  'NaN',
  'Infinity',
  '[]',
  '{}',
  '0x50',
  '1e3',
  '8_0',
  '٣',
  ' 80',
  '80\n',
  '+8',
]
