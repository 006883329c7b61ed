/**
 * Strangers' strings, made fit to be kept and shown. All of it in linear time: what a stranger can make long must not be
 * able to keep the process busy. `linear.test.ts` holds every function that reads such text to that.
 */

/** What neither UTF-8 nor Postgres can hold, U+0000 and lone surrogates, becomes U+FFFD; all else stays. */
export const clean = (text: string): string => text.replaceAll('\0', '\uFFFD').toWellFormed()

/** UTF-16 units of a line, where nobody gives a limit. */
const MAX_LINE = 10_000
/** So many times the limit is read of a text; what stands behind more than that of what isn’t shown, isn’t either. */
const MAX_READ = 16

/**
 * On one line of at most `most` UTF-16 units: runs of white space and line ends become one space; terminal sequences,
 * other control characters, those that turn the direction of writing and those that only hide go. May be empty.
 */
export function oneLine(text: string, most = MAX_LINE): string {
  const line = withoutSequences(text.slice(0, MAX_READ * most))
    .replace(SPACES, ' ')
    .replace(UNSEEN, '')
    .replace(JOINERS, '')
    .replace(/ {2,}/g, ' ')
    .trim()
  return line.slice(0, most).toWellFormed()
}

const SPACES = /[\s\u0085]/gu
/**
 * Controls; bidirectional controls; what has no width and joins nothing: the soft hyphen, zero-width space, word joiner,
 * invisible operators, tags, and the variation selectors beyond 16, by which a letter can carry a whole text.
 */
const UNSEEN =
  // biome-ignore lint/suspicious/noMisleadingCharacterClass: each stands for itself
  /[\p{Cc}\u00ad\u034f\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\uffa0\ufff0-\ufffb\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]/gu
/** Joiners and selectors where no writing has them: behind ASCII (but for keycaps, 1\uFE0F\u20E3) and in a row. */
const JOINERS =
  // biome-ignore lint/suspicious/noMisleadingCharacterClass: each stands for itself
  /(?<=^|\p{ASCII})[\u200c\u200d\ufe00-\ufe0f]+(?!\u20e3)|(?<=[\u200c\u200d])[\u200c\u200d\ufe00-\ufe0f]+|(?<=[\ufe00-\ufe0f])[\ufe00-\ufe0f]+/gu

/**
 * Without what a terminal takes for commands, by the grammar of ECMA-48: control sequences (CSI), control strings (OSC,
 * DCS, SOS, PM, APC) up to their end, and other escapes. What doesn't follow the grammar loses its beginning alone, so
 * that an unfinished string hides nothing of what stands behind it.
 */
export function withoutSequences(text: string): string {
  let kept = ''
  let from = 0
  for (let i = 0; i < text.length; ) {
    const code = text.charCodeAt(i)
    if (code !== ESC && (code < 0x80 || code > 0x9f || code === NEL)) {
      i++
      continue
    }
    kept += text.slice(from, i)
    i = from = sequenceEnd(text, i)
  }
  return kept + text.slice(from)
}

const ESC = 0x1b
const NEL = 0x85
const ST = 0x9c
const BEL = 0x07

/** Where the sequence ends that begins at `start`, with ESC or a control of the C1 set: the first unit behind it. */
function sequenceEnd(text: string, start: number): number {
  const isTwoUnits = text.charCodeAt(start) === ESC
  // ESC and one of @ to _ are another way to write a control of the C1 set.
  const next = text.charCodeAt(start + 1)
  const control = isTwoUnits ? (next >= 0x40 && next <= 0x5f ? next + 0x40 : 0) : text.charCodeAt(start)
  const body = start + (isTwoUnits ? 2 : 1)
  switch (control) {
    case 0x9b: {
      const end = past(text, past(text, body, 0x30, 0x3f), 0x20, 0x2f)
      return isIn(text, end, 0x40, 0x7e) ? end + 1 : end
    }
    case 0x90:
    case 0x98:
    case 0x9d:
    case 0x9e:
    case 0x9f:
      return stringEnd(text, body)
    case 0: {
      const final = past(text, start + 1, 0x20, 0x2f)
      return isIn(text, final, 0x30, 0x7e) ? final + 1 : final
    }
    default:
      return body
  }
}

/** Behind the terminator of a control string; `body` itself where another control, or the text's end, comes first. */
function stringEnd(text: string, body: number): number {
  for (let i = body; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === BEL || code === ST) return i + 1
    if (code === ESC) return text.charCodeAt(i + 1) === 0x5c ? i + 2 : body
    if (code < 0x08 || (code > 0x0d && code < 0x20) || (code >= 0x7f && code <= 0x9f)) return body
  }
  return body
}

const isIn = (text: string, at: number, from: number, to: number): boolean => {
  const code = text.charCodeAt(at)
  return code >= from && code <= to
}

function past(text: string, at: number, from: number, to: number): number {
  let end = at
  while (isIn(text, end, from, to)) end++
  return end
}

/**
 * The URL in `text`; null where there is none, or a longer one than servers take. To make a host of letters with their
 * accents takes time that grows with the square of their number.
 */
export const urlOf = (text: string): URL | null => (text.length <= MAX_URL ? URL.parse(text) : null)
export const MAX_URL = 2_048

/** Without slashes at the end; a regular expression would begin anew at each slash before the last other character. */
export function withoutEndSlashes(text: string): string {
  let end = text.length
  while (text[end - 1] === '/') end--
  return text.slice(0, end)
}
