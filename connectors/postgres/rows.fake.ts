/** What the made-up rows of the fakes share: one channel, one moment, a hostile text. */
import type { Page } from './database/questions.ts'

export const T0 = Date.UTC(2024, 1, 5, 0, 5)
export const CHANNEL = 'https://onchainsummer.xyz/a b?c=1'
export const SERIES = `casts:${CHANNEL}`
export const HOSTILE = '</script><script>alert(1)</script>\u2028"\\=1+1'

export async function* rowsOf<T>(...rows: T[]): AsyncGenerator<T> {
  yield* rows
}

/** A page of one, with another behind it. */
export const page = <T>(item: T): Page<T> => ({ items: [item], next: 'next-page' })
