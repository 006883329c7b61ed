/** Strangers' strings, made fit to be shown. */

/** What neither UTF-8 nor Postgres can hold, U+0000 and lone surrogates, becomes U+FFFD; all else stays. */
export const wellFormed = (text: string): string => text.replaceAll('\0', '\uFFFD').toWellFormed()

/**
 * On one line of at most `most` UTF-16 units: runs of white space and line ends become one space, other control
 * and direction characters go. May be empty.
 */
export function oneLine(text: string, most: number): string {
  const line = text
    .replace(/[\s\u0085]+/gu, ' ')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
    .replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '')
    .trim()
  return line.slice(0, most).toWellFormed()
}
