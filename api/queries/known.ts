/** Refuses names of what is not there: an empty list for a misspelt name would look like an answer. */
import { FcmError } from '../../common/errors.ts'
import { oneLine } from '../../common/text.ts'
import type { Store } from '../../connectors/postgres/store.ts'
import type { EventLog } from '../../pipeline/log/port.ts'
import { LIVE } from '../../pipeline/topology.ts'
import { NETWORK, NO_CHANNEL } from '../../schemas/records.ts'
import { inTime } from './log-answer.ts'

export type Known = {
  /** `live` is always there, and a run whose records only wait in the log is. @throws FcmError RUN_UNKNOWN */
  run(run: string): Promise<void>
  /** @throws FcmError RUN_UNKNOWN, SERIES_UNKNOWN */
  series(run: string, id: string): Promise<void>
  /** Of questions that may be narrowed to a channel. @throws FcmError RUN_UNKNOWN, CHANNEL_UNKNOWN */
  channel(run: string, channel: string | undefined): Promise<void>
}

/** As much of a name as a message shows. */
const NAME_LIMIT = 300

export function createKnown(store: Store, log: EventLog): Known {
  async function run(name: string): Promise<void> {
    if (name === LIVE || (await store.runs.has(name))) return
    if ((await inTime(log.topics(`fcm.${name}.`))).length === 0)
      throw new FcmError('RUN_UNKNOWN', { run: name })
  }
  return {
    run,
    async series(of, id) {
      await run(of)
      if (!(await store.series.has(of, id))) throw new FcmError('SERIES_UNKNOWN', { run: of })
    },
    async channel(of, channel) {
      await run(of)
      if (channel === undefined || channel === NETWORK || channel === NO_CHANNEL) return
      const { known, alike } = await store.series.findChannel(of, channel)
      if (known) return
      const [one, another] = alike
      const hint =
        one !== undefined && another === undefined
          ? `; did you mean ${oneLine(one, NAME_LIMIT)} ?`
          : '. /v1/channels lists those that have series.'
      throw new FcmError('CHANNEL_UNKNOWN', { channel: oneLine(channel, NAME_LIMIT), run: of, hint })
    },
  }
}
