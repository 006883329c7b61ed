import { stripVTControlCharacters } from 'node:util'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { clean, oneLine, urlOf, withoutEndSlashes, withoutSequences } from './text.ts'

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

test('a line hides nothing, and keeps what writing needs', () => {
  const tags = [...'run this'].map((c) => String.fromCodePoint(0xe0000 + c.charCodeAt(0))).join('')
  expect(oneLine(`a${tags}b\u{e0100}\u200bc\u00add\u2063\ufeff\u3164e`)).toBe('abcd e')
  // Joiners behind ASCII, or in a row, spell something to who counts them.
  expect(oneLine('ad\u200dmin\u200c, a\ufe0e, é\u200d\u200c\u200dx, ❤\ufe0f\ufe0e')).toBe(
    'admin, a, é\u200dx, ❤\ufe0f',
  )
  for (const word of ['❤\ufe0f\u200d🔥', '1\ufe0f\u20e3', 'می\u200cخواهم', 'क्\u200dष'])
    expect(oneLine(word)).toBe(word)
})

test('sequences of a terminal go by their grammar; what is none loses its beginning alone', () => {
  for (const [text, kept] of [
    ['\u001b[1;31mred\u001b[0m \u009b2Jx', 'red x'],
    ['\u001b]8;;https://a.example\u001b\\link\u001b]8;;\u0007', 'link'],
    ['\u001bPq#0\u001b\\a\u009dtitle\u009cb\u001b(Bc\u001bcd\u001b7e', 'abcde'],
    // Never ended, or by something else: its words are shown.
    ['\u001b]0;all that follows', '0;all that follows'],
    ['\u001b_a\u001b[31mb', 'ab'],
    ['\u001b[31', ''],
    ['\u001b[31\u00e9', '\u00e9'],
    ['\u001b', ''],
    ['a\u0085b\nc', 'a\u0085b\nc'],
  ] as const)
    expect(withoutSequences(text)).toBe(kept)
})

test('of texts with whole sequences it leaves what Node leaves', () => {
  const sequence = fc.constantFrom(
    ...[
      '\u001b[31m',
      '\u001b[1;2H',
      '\u001b[?25l',
      '\u009b4m',
      '\u001b]0;t\u0007',
      '\u001b]8;;http://a\u001b\\',
    ],
  )
  const text = fc.array(fc.oneof(sequence, fc.string({ unit: 'grapheme' }))).map((parts) => parts.join(''))
  fc.assert(
    fc.property(text, (text) => {
      expect(withoutSequences(text)).toBe(stripVTControlCharacters(text))
    }),
  )
})

test('whatever the text, no command and no control is left of it, and no more than was asked for', () => {
  const unit = fc.constantFrom(...'\u001b\u009b\u009d\u009c\u0007[]P\\;?0m \n\u200d\ufe0f\ud800é', '👩')
  fc.assert(
    fc.property(fc.string({ unit }), fc.nat(40), (text, most) => {
      const line = oneLine(text, most)
      expect(line.length).toBeLessThanOrEqual(most)
      expect(line).not.toMatch(/\p{Cc}|\s\s|^\s/u)
      expect(line.isWellFormed()).toBe(true)
      expect(oneLine(line, most)).toBe(line.trimEnd())
    }),
  )
})

test('a line is read no further than 16 times its length', () => {
  expect(oneLine(`${'\u0007'.repeat(159)}ab`, 10)).toBe('a')
  expect(oneLine('x'.repeat(20_000))).toHaveLength(10_000)
})

test('slashes at the end, and URLs that are none or too long', () => {
  expect(withoutEndSlashes('//a//b//')).toBe('//a//b')
  expect(withoutEndSlashes('///')).toBe('')
  expect(urlOf('http://a.example/b')?.host).toBe('a.example')
  expect(urlOf('a')).toBeNull()
  expect(urlOf(`http://a/${'b'.repeat(2039)}`)?.pathname).toHaveLength(2040)
  expect(urlOf(`http://a/${'b'.repeat(2040)}`)).toBeNull()
})
