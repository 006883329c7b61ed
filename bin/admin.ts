/** What only the owner of a data directory can do: backfills, deleting runs, dead letters. The admin routes lead here. */
import { resolve } from 'node:path'
import type { Admin } from '../api/routes/admin.ts'
import { FcmError } from '../common/errors.ts'
import { iso } from '../common/time.ts'
import { archiveSize, readArchive } from '../connectors/farcaster/archive.ts'
import { completeByLateness } from '../connectors/farcaster/completeness.ts'
import { publish } from '../connectors/farcaster/publish.ts'
import { type DeadLetter, parseDeadLetter } from '../pipeline/log/dead-letter.ts'
import { checkRunName, LIVE, runsOf, topicOf, topicSpecs } from '../pipeline/topology.ts'
import { forgetArchives, noteArchives } from './backfills.ts'
import { type Engine, PROCESSING } from './engine.ts'

export function adminOf(engine: Engine, token: string): Admin {
  const { log, codec, store } = engine
  /** Runs that something is writing into; two hands never write one thing. */
  const busy = new Set<string>()

  async function known(run: string): Promise<void> {
    const runs = runsOf((await log.topics('fcm.')).map(({ name }) => name))
    if (!runs.includes(run)) throw new FcmError('RUN_UNKNOWN', { run })
  }

  async function occupy<T>(run: string, work: () => Promise<T>): Promise<T> {
    if (busy.has(run)) throw new FcmError('RUN_BUSY', { run })
    busy.add(run)
    return work().finally(() => busy.delete(run))
  }

  async function letters(run: string): Promise<DeadLetter[]> {
    await known(run)
    const topic = topicOf(run, 'dead-letters')
    // Delivery is at least once; one source dies once.
    const found = new Map<string, DeadLetter>()
    for (const { partition } of await log.ends(topic)) {
      for await (const rec of log.read({ topic, partition })) {
        const letter = parseDeadLetter(rec)
        if (letter) found.set(letter.source, letter)
      }
    }
    return [...found.values()]
  }

  return {
    token,

    backfill: ({ files, run, from, to }, onProgress, signal) =>
      occupy(checkRunName(run), async () => {
        if (run === LIVE) throw new FcmError('RUN_BUSY', { run })
        const paths = files.map((file) => resolve(file))
        const totalBytes = await archiveSize(paths)
        await noteArchives(engine.dir, run, paths)
        await engine.openRun(run)
        const running = await engine.start(run, PROCESSING)
        try {
          const published = await publish({
            log,
            codec,
            run,
            measures: ['posts', 'replies', 'reactions'],
            input: completeByLateness(readArchive(paths)),
            ...(from === undefined ? {} : { from }),
            ...(to === undefined ? {} : { to }),
            signal,
            onProgress: (progress) =>
              onProgress({
                phase: 'reading',
                messages: progress.messages,
                unreadable: progress.unreadable,
                bytesRead: progress.bytesRead,
                totalBytes,
                eventTime: progress.published === null ? null : iso(progress.published),
              }),
          })
          if (!published.finished) return { run, finished: false, messages: published.messages }
          await engine.caughtUp(
            run,
            PROCESSING,
            (records) => onProgress({ phase: 'processing', records }),
            signal,
          )
          return {
            run,
            finished: !signal.aborted,
            messages: published.messages,
            unreadable: published.unreadable,
            eventTime: published.published === null ? null : iso(published.published),
          }
        } finally {
          await running.stop()
        }
      }),

    deleteRun: (run) =>
      occupy(run, async () => {
        if (run === LIVE) throw new FcmError('RUN_BUSY', { run })
        await known(run)
        await store.deleteRun(run)
        await log.deleteTopics(topicSpecs(run, 1).map(({ name }) => name))
        await forgetArchives(engine.dir, run)
      }),

    deadLetters: async (run) =>
      (await letters(run)).map(({ source, reason, key, value, headers, schemaId }) => ({
        source,
        reason,
        key,
        schemaId,
        bytes: value?.length ?? 0,
        value: value ? Buffer.from(value).toString('base64') : null,
        headers,
      })),

    async redrive(run, sources) {
      const found = await letters(run)
      const missing = sources?.find((source) => !found.some((letter) => letter.source === source))
      if (missing !== undefined) throw new FcmError('DEAD_LETTER_UNKNOWN', { source: missing, run })
      const chosen = sources ? found.filter((letter) => sources.includes(letter.source)) : found
      const records = chosen.flatMap(({ origin, key, value, headers }) =>
        'topic' in origin
          ? [{ topic: origin.topic, partition: origin.partition, key: key ?? '', value, headers }]
          : [],
      )
      if (records.length > 0) await log.append(records)
      // A line of a file was in no topic: mending the file and backfilling it again is the way.
      return { redriven: records.length, fromFiles: chosen.length - records.length }
    },
  }
}
