import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BASE, MINUTE } from '../common/time.ts'
import { topicOf } from '../pipeline/topology.ts'
import type { Coverage, Polled } from '../schemas/records.ts'
import { castLine, type Serving, START } from './served.fixture.ts'

export const RUN = 'hostile'
/** Names of channels that are kept as they are. */
export const CHANNELS = [
  '=HYPERLINK("http://evil","x")',
  '@SUM(1+1)*cmd|x',
  '-2+3',
  'a,b"c""d',
  'https://x/\u202egpj.exe',
  'https://x/\u2066\u200f\u2028two\u2029lines',
  'https://x/\u{1f600}\ufffd',
  ' spaces  around ',
  '<script>alert(1)</script>',
  `https://x/${'long'.repeat(250)}`,
  '__proto__',
  '%00%0a../../etc',
]
/** Names that can't be a line of a report. */
const ESCAPES = ['\u001b[2J\u001b]0;owned\u0007', 'a\nb', 'tab\there', '\u009b31m', '\0']
const REASON = `the hub said \u001b[31m"no"\n\r\u202e${'x'.repeat(5000)}`

/** A run of what strangers wrote: casts, gaps with their reasons, failed polls, and what is no record. */
export async function writeStrangers(it: Serving): Promise<void> {
  await it.engines.openRun(RUN)
  const file = join(it.dir, 'hostile.ndjson')
  const names = [...CHANNELS, ...ESCAPES]
  const lines = names.flatMap((parentUrl, i) =>
    [0, 1, 2].map((n) => castLine(i * 10 + n, { parentUrl, text: parentUrl })),
  )
  writeFileSync(file, [...lines, castLine(3000, {})].join('\n'))
  await it.publishFile(RUN, file)
  const topic = topicOf(RUN, 'activity')
  const at = START + 60 * MINUTE
  const gap: Coverage = {
    ...{ type: 'Coverage', status: 'gap', measures: ['posts'], from: at, to: at + BASE, partitions: 2 },
    reason: REASON,
  }
  const polled: Polled = {
    ...{
      type: 'Polled',
      at,
      watched: ['posts'],
      complete: [],
      owed: [],
      requests: 3,
      failed: 3,
      next: null,
    },
    error: REASON,
  }
  for (const key of CHANNELS)
    await it.engines.log.append([
      { topic, key, value: it.engines.codec.encode(gap) },
      { topic, key, value: it.engines.codec.encode(polled) },
      // No record: buried with its key and its headers.
      { topic, key, value: Buffer.from('\u001b[31mnoise\n'), headers: { 'x\u001b[1m': `a\nb${key}` } },
    ])
  await it.processed(RUN)
}
