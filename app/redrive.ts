/** Dead letters of a run: looked at, and sent again. */
import type { Admin } from '../api/routes/admin.ts'
import { FcmError } from '../common/errors.ts'
import { type DeadLetter, parseDeadLetter } from '../pipeline/log/dead-letter.ts'
import { topicOf } from '../pipeline/topology.ts'
import type { Engines } from './engines.ts'
import { checkRunIsThere, type WriteAlone } from './writing.ts'

/** Delivery is at least once; one source dies once. @throws FcmError RUN_UNKNOWN */
async function* deadLettersOf({ log }: Engines, run: string): AsyncGenerator<DeadLetter> {
  await checkRunIsThere({ log }, run)
  const topic = topicOf(run, 'dead-letters')
  const told = new Set<string>()
  for (const { partition } of await log.ends(topic)) {
    for await (const rec of log.read({ topic, partition })) {
      const letter = parseDeadLetter(rec)
      if (!letter || told.has(letter.source)) continue
      told.add(letter.source)
      yield letter
    }
  }
}

export const listDeadLetters =
  (engines: Engines): Admin['deadLetters'] =>
  async (run, wanted) => {
    const found = []
    for await (const { source, reason, key, value, headers, schemaId } of deadLettersOf(engines, run)) {
      if (wanted !== undefined && source !== wanted) continue
      const letter = { source, reason, key, schemaId, bytes: value?.length ?? 0, headers }
      // A value may have megabytes: it is told of one letter only.
      found.push(wanted ? { ...letter, value: value && Buffer.from(value).toString('base64') } : letter)
      if (wanted !== undefined) break
    }
    return found
  }

export const redriveOf =
  (engines: Engines, writeAlone: WriteAlone): Admin['redrive'] =>
  (run, sources) =>
    writeAlone(run, async () => {
      const missing = new Set(sources)
      // All are looked for before any is sent.
      if (sources) for await (const letter of deadLettersOf(engines, run)) missing.delete(letter.source)
      const [unknown] = missing
      if (unknown !== undefined) throw new FcmError('DEAD_LETTER_UNKNOWN', { source: unknown, run })
      const wanted = sources && new Set(sources)
      let redriven = 0
      let fromFiles = 0
      for await (const { source, origin, key, value, headers } of deadLettersOf(engines, run)) {
        if (wanted && !wanted.has(source)) continue
        if ('topic' in origin) {
          const { topic, partition } = origin
          await engines.log.append([{ topic, partition, key: key ?? '', value, headers }])
          redriven++
        } else fromFiles++
      }
      // A line of a file was in no topic: mending the file and backfilling it again is the way.
      return { redriven, fromFiles }
    })
