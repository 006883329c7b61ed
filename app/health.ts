import { createHealthApi } from '../api/health.ts'
import { FcmError } from '../common/errors.ts'
import type { Engines } from './engines.ts'
import { accessOf, listen, type Served } from './serve.ts'

/**
 * Serves health and metrics of a process with these roles, and no API. It is ready while none of them has failed and the
 * log answers, and the database where they write to it. Lag is not among the metrics: it is no matter of one process, and
 * would be told by each of them. @throws FcmError OPTION_INVALID
 */
export async function serveHealth(engines: Engines, port: number, roles: readonly string[]): Promise<Served> {
  const { config, log, store, logger, metrics, failures } = engines
  const app = createHealthApi({
    ...{ logger, metrics, ...accessOf(config) },
    failures: () => failures,
    needs: [
      { what: 'The event log', ping: () => log.topics('fcm.') },
      ...(roles.includes('store') ? [{ what: 'The database', ping: () => store.ping() }] : []),
    ],
    readings: [],
  })
  const refused = (isTaken: boolean, why: string, error: unknown) =>
    new FcmError(
      'OPTION_INVALID',
      {
        option: `FCM_METRICS_PORT "${port}"`,
        why: isTaken ? `another program has it on ${config.host}` : why,
        hint: 'Choose another, or 0 for any that is free, and check FCM_HOST',
      },
      error,
    )
  return { url: await listen(app, config.host, port, refused), close: () => app.close() }
}
