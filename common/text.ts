/** Strangers' strings, made fit to be kept and shown. */
import { stripVTControlCharacters } from 'node:util'

/** What neither UTF-8 nor Postgres can hold, U+0000 and lone surrogates, becomes U+FFFD; all else stays. */
export const clean = (text: string): string => text.replaceAll('\0', '\uFFFD').toWellFormed()

/**
 * On one line of at most `most` UTF-16 units: runs of white space and line ends become one space; terminal sequences,
 * other control characters and those that turn the direction of writing go. May be empty.
 */
export function oneLine(text: string, most = Number.POSITIVE_INFINITY): string {
  const line = stripVTControlCharacters(text)
    .replace(/[\s\u0085]+/gu, ' ')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
    .replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '')
    .trim()
  return line.slice(0, most).toWellFormed()
}
