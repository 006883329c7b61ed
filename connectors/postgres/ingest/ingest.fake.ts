/** Takes whatever the pipeline writes, unless a test says otherwise. */
import type { Ingest } from './ingest.ts'

export const fakeIngest = (given: Partial<Ingest> = {}): Ingest => ({
  begin() {},
  write: async () => ({ rejected: [] }),
  ...given,
})
