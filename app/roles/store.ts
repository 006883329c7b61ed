import { DAY, HOUR } from '../../common/time.ts'
import { runSink } from '../../pipeline/runtime/run-sink.ts'
import type { StartRole } from './role.ts'

/** Writes to the database, and expires there, once a day, what is kept for so long only. */
export const store: StartRole = async (host, { config, store, logger }) => {
  store.ingest.begin(host.run)
  const { stop } = await runSink(host, {
    ...{ name: 'store', urgent: ['alerts'], gatherMs: 100 },
    write: (records) => store.ingest.write(host.run, records),
  })
  const expire = () =>
    store.runs.expire(config.textDays).catch((err) => logger.warn({ err }, 'old rows were not expired'))
  const timer = setInterval(expire, DAY).unref()
  // Not at once: the clock of a machine that has just been started may be years ahead until it has asked the time.
  const first = setTimeout(expire, HOUR).unref()
  return {
    stop: async () => {
      clearInterval(timer)
      clearTimeout(first)
      await stop()
    },
  }
}
