/** Casts in memory, for tests of what asks for them: one row, unless a test says otherwise. */
import { HOSTILE, page, T0 } from '../rows.fake.ts'
import type { CastRow, Casts } from './casts.ts'

export const castRow: CastRow = {
  hash: Buffer.from('ab'.repeat(20), 'hex'),
  fid: 3,
  time: T0 + 999,
  text: HOSTILE,
  removed: false,
  parentHash: null,
  urls: ['https://example.com'],
}

export const fakeCasts = (given: Partial<Casts> = {}): Casts => ({
  list: async () => page(castRow),
  ...given,
})
