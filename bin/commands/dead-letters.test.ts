import { expect, test } from 'vitest'
import { beginning } from './dead-letters.ts'

test('bytes are shown as text where they are text, on one line, and nothing in them drives a terminal', () => {
  expect(beginning(Buffer.from('{"a":\n"ü"}'))).toBe('{"a": "ü"}')
  expect(beginning(Buffer.from('a\u001b[31mb'))).toBe('ab')
  expect(beginning(Buffer.from([0, 0, 0, 0, 7, 0xff]))).toBe('0000000007ff')
  expect(beginning(Buffer.alloc(0))).toBe('')
})

test('of many bytes only the first are shown, even where a character is cut in two', () => {
  const cut = beginning(Buffer.from(`${'a'.repeat(999)}ü and so on`))
  expect(cut).toMatch(/^a{999}\S* \.\.\. 11 bytes more: --raw writes them all$/)
  const large = beginning(Buffer.alloc(5 * 2 ** 20, 0x80))
  expect(large).toMatch(/^(80){1000} \.\.\. 5241880 bytes more/)
})
