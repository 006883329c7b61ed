/** What only the owner of a data directory can do: backfills, deleting runs, dead letters. The admin routes lead here. */
import { resolve } from 'node:path'
import type { Admin } from '../api/routes/admin.ts'
import { FcmError } from '../common/errors.ts'
import { onFirst, untilItPasses } from '../common/retry.ts'
import { BASE, iso, LATENESS } from '../common/time.ts'
import { archivesAt, readArchive } from '../connectors/farcaster/archive.ts'
import { completeByLateness } from '../connectors/farcaster/completeness.ts'
import { publish } from '../connectors/farcaster/publish.ts'
import { type DeadLetter, parseDeadLetter } from '../pipeline/log/dead-letter.ts'
import { checkRunName, LIVE, runsOf, topicOf, topicSpecs } from '../pipeline/topology.ts'
import { type Engine, PROCESSING } from './engine.ts'
import { noteOrigin } from './origin.ts'

export function adminOf(engine: Engine, token: string): Admin {
  const { log, codec, store } = engine
  /** Runs that this process is writing into; two hands never write one thing. */
  const busy = new Set<string>()

  async function known(run: string): Promise<void> {
    const runs = runsOf((await log.topics('fcm.')).map(({ name }) => name))
    if (!runs.includes(run)) throw new FcmError('RUN_UNKNOWN', { run })
  }

  /** `held` is aborted when another process might write into it, too; `taken` is thrown where one does. */
  async function occupy<T>(
    run: string,
    work: (held: AbortSignal) => Promise<T>,
    taken = new FcmError('RUN_BUSY', { run }),
  ): Promise<T> {
    if (busy.has(run)) throw new FcmError('RUN_BUSY', { run })
    busy.add(run)
    return store.runs.alone(`run ${run}`, taken, work).finally(() => busy.delete(run))
  }

  /** Delivery is at least once; one source dies once. */
  async function* letters(run: string): AsyncGenerator<DeadLetter> {
    await known(run)
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

  const fill: Admin['backfill'] = async ({ files, run, from, to }, onProgress, signal) => {
    const paths = files.map((file) => resolve(file))
    const archives = await archivesAt(paths)
    const totalBytes = archives.reduce((sum, { bytes }) => sum + bytes, 0)
    await engine.openRun(run)
    const since = from === undefined ? null : iso(from)
    await noteOrigin(log, run, { kind: 'archives', from: since, files: archives })
    const running = await engine.start(run, PROCESSING)
    running.timed(false)
    try {
      const published = await publish({
        log,
        codec,
        run,
        measures: ['posts', 'replies', 'reactions'],
        input: completeByLateness(readArchive(paths)),
        revisit: BASE + LATENESS,
        ...(from === undefined ? {} : { from }),
        ...(to === undefined ? {} : { to }),
        signal: AbortSignal.any([signal, running.failed]),
        onWarning: ({ message }) => onProgress({ phase: 'waiting', detail: message }),
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
      running.failed.throwIfAborted()
      if (published.messages === 0 && published.unreadable > 0) {
        throw new FcmError('NO_ARCHIVE', { run, lines: published.unreadable })
      }
      if (!published.finished) return { run, finished: false, messages: published.messages }
      await running.caughtUp((records) => onProgress({ phase: 'processing', records }), signal)
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
  }

  return {
    token,

    async backfill(request, onProgress, signal) {
      const run = checkRunName(request.run)
      if (run === LIVE) throw new FcmError('RUN_IS_LIVE', { run })
      const work = async (held: AbortSignal) => {
        const done = await fill(request, onProgress, AbortSignal.any([signal, held]))
        if (!done.finished && !signal.aborted) held.throwIfAborted()
        return done
      }
      const taken = new FcmError('RUN_TAKEN', { run })
      const onWaiting = onFirst(({ message }) => onProgress({ phase: 'waiting', detail: message }))
      return untilItPasses(() => occupy(run, work, taken), onWaiting, signal)
    },

    async deleteRun(run) {
      if (run === LIVE) throw new FcmError('RUN_IS_LIVE', { run })
      await occupy(run, async () => {
        await known(run)
        await store.runs.delete(run)
        await log.deleteTopics(topicSpecs(run, 1).map(({ name }) => name))
      })
    },

    async deadLetters(run, wanted) {
      const found = []
      for await (const { source, reason, key, value, headers, schemaId } of letters(run)) {
        if (wanted !== undefined && source !== wanted) continue
        const letter = { source, reason, key, schemaId, bytes: value?.length ?? 0, headers }
        // A value may have megabytes: it is told of one letter only.
        found.push(wanted ? { ...letter, value: value && Buffer.from(value).toString('base64') } : letter)
        if (wanted !== undefined) break
      }
      return found
    },

    redrive: (run, sources) =>
      occupy(run, async () => {
        const missing = new Set(sources)
        // All are looked for before any is sent.
        if (sources) for await (const letter of letters(run)) missing.delete(letter.source)
        const [unknown] = missing
        if (unknown !== undefined) throw new FcmError('DEAD_LETTER_UNKNOWN', { source: unknown, run })
        const wanted = sources && new Set(sources)
        let redriven = 0
        let fromFiles = 0
        for await (const { source, origin, key, value, headers } of letters(run)) {
          if (wanted && !wanted.has(source)) continue
          if ('topic' in origin) {
            const { topic, partition } = origin
            await log.append([{ topic, partition, key: key ?? '', value, headers }])
            redriven++
          } else fromFiles++
        }
        // A line of a file was in no topic: mending the file and backfilling it again is the way.
        return { redriven, fromFiles }
      }),
  }
}
