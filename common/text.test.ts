import { expect, test } from 'vitest'
import { clean, oneLine } from './text.ts'

test('text is kept but for what nobody can hold', () => {
  expect(clean('a\0b\ud800c\r\n👩‍👩‍👧\u202e')).toBe('a\uFFFDb\uFFFDc\r\n👩‍👩‍👧\u202e')
})

test('a line moves no cursor, turns no writing and has an end', () => {
  expect(oneLine(' a\u0000b\u001b[31m\r\n\u2028c\u0007\u202ed\u200f\u061c\u0085 ')).toBe('ab cd')
  expect(oneLine('\u001b]0;title\u0007x')).toBe('x')
  expect(oneLine('👩‍👩‍👧 e\u0301')).toBe('👩‍👩‍👧 e\u0301')
  expect(oneLine(`${'x'.repeat(3)}👩`, 4)).toBe('xxx\uFFFD')
  expect(oneLine('\ud800', 4)).toBe('\uFFFD')
})
