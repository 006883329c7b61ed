/** Hooks that refuse names of what is not there: an empty list for a misspelt name would look like an answer. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { FcmError } from '../../common/errors.ts'
import { oneLine } from '../../common/text.ts'
import type { Store } from '../../connectors/postgres/store.ts'
import type { EventLog } from '../../pipeline/log/port.ts'
import { LIVE } from '../../pipeline/topology.ts'
import { NETWORK, NO_CHANNEL } from '../../schemas/records.ts'
import { sendProblem } from '../problem.ts'

/**
 * Of every route that takes `run` in its query. `live` is always there, and a run whose records only wait in the log is.
 * @throws FcmError RUN_UNKNOWN
 */
export const checkRun = (store: Store, log: EventLog) => async (request: FastifyRequest) => {
  // The dashboard's page has addresses of its own.
  if (!/^\/(v1|admin)\//.test(request.routeOptions.url ?? '')) return
  const { run } = request.query as { run?: string }
  if (run === undefined || run === LIVE || (await store.runs.has(run))) return
  if ((await log.topics(`fcm.${run}.`)).length === 0) throw new FcmError('RUN_UNKNOWN', { run })
}

/** Of routes that take a series' name as `id` in their path. */
export const checkSeries = (store: Store) => async (request: FastifyRequest, reply: FastifyReply) => {
  const { id } = request.params as { id: string }
  const { run } = request.query as { run: string }
  if (await store.series.has(run, id)) return
  return sendProblem(reply, 404, `Run "${run}" has no such series. /v1/series lists those there are.`)
}

/** As much of a name as a message shows. */
const NAME_LIMIT = 300

/** Of routes that narrow a list to `channel`: an empty list for an unknown one would pass for an all-clear. */
export const checkChannel = (store: Store) => async (request: FastifyRequest, reply: FastifyReply) => {
  const { run, channel } = request.query as { run: string; channel?: string }
  if (channel === undefined || channel === NETWORK || channel === NO_CHANNEL) return
  const { known, alike } = await store.series.findChannel(run, channel)
  if (known) return
  const [one, another] = alike
  const hint =
    one !== undefined && another === undefined
      ? `; did you mean ${oneLine(one, NAME_LIMIT)} ?`
      : '. /v1/channels lists those that have series.'
  const named = `No channel "${oneLine(channel, NAME_LIMIT)}" in run "${run}".`
  return sendProblem(reply, 404, `${named} Channels are named by their URL${hint}`)
}
