import { type Static, Type } from 'typebox'
import { FcmError } from '../../common/errors.ts'
import type { AlertDetail, AlertList } from '../contracts/alerts.ts'
import * as ask from '../contracts/asking.ts'
import { exactly } from '../contracts/schema.ts'
import { pageOf, spanOf } from './asking.ts'
import type { Means } from './means.ts'
import * as present from './present.ts'

export const ListAlerts = exactly({
  run: ask.AnyRun,
  type: Type.Optional(ask.KindFilter),
  severity: Type.Optional(ask.SeverityFilter),
  state: Type.Optional(ask.StateFilter),
  channel: Type.Optional(ask.ChannelName),
  ...ask.span,
  all: Type.Boolean({ default: false, description: 'Also alerts beyond the daily cap of their type.' }),
  ...ask.paging(50, 500),
})

export const alertQueries = ({ store, known, alertsPerDay: perDay }: Means) => ({
  /** Alerts within the cap, those opened last first; the span is that of their opening. */
  async alerts(asked: Static<typeof ListAlerts>): Promise<AlertList> {
    const { run, type, severity, state, channel, all } = asked
    await known.channel(run, channel)
    const filter = { type, severity, state, channel, ...spanOf(asked), perDay, all }
    return pageOf(
      'alerts',
      [run, filter],
      asked,
      (page) => store.alerts.list(run, filter, page),
      present.alert,
    )
  },

  /** One alert with its evidence and its history. @throws FcmError ALERT_UNKNOWN */
  async alert(id: string): Promise<AlertDetail> {
    const alert = await store.alerts.get(id, perDay)
    if (!alert) throw new FcmError('ALERT_UNKNOWN', {})
    return present.alertDetail(alert)
  },
})
