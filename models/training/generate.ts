/** A dataset on all cores. */

import { openThreads } from '../threads.ts'
import { type Dataset, type DatasetOptions, join } from './dataset.ts'

export type GenerateOptions = Omit<DatasetOptions, 'from' | 'to'> & {
  series: number
  /** Series that a thread makes at a time; what comes out does not depend on it. */
  part?: number
  /** Told the number of series made so far. */
  onProgress?: (done: number) => void
}

export async function generate({ series, part = 250, onProgress, ...of }: GenerateOptions): Promise<Dataset> {
  const jobs: DatasetOptions[] = []
  for (let from = 0; from < series; from += part)
    jobs.push({ ...of, from, to: Math.min(series, from + part) })
  const threads = openThreads<DatasetOptions, Dataset>(new URL('dataset-worker.ts', import.meta.url))
  const parts: Dataset[] = []
  try {
    for await (const made of threads.answers(jobs)) {
      parts.push(made)
      onProgress?.(jobs[parts.length - 1]!.to)
    }
  } finally {
    await threads.close()
  }
  return join(parts)
}
