import { Type } from 'typebox'
import type { Store } from '../../connectors/postgres/port.ts'
import type { Api } from '../app.ts'
import * as present from '../present.ts'
import { sendProblem } from '../problem.ts'
import * as s from '../schemas.ts'
import { pageOf, pagingOf, spanOf } from './query.ts'

export function alertRoutes(app: Api, store: Store): void {
  app.get('/v1/alerts', {
    schema: {
      tags: ['alerts'],
      operationId: 'listAlerts',
      summary: 'Alerts, those opened last first; the span is that of their opening',
      querystring: s.exactly({
        run: s.AnyRun,
        type: Type.Optional(s.KindFilter),
        severity: Type.Optional(s.SeverityFilter),
        state: Type.Optional(s.StateFilter),
        channel: Type.Optional(s.ChannelName),
        ...s.span,
        ...s.paging(50, 500),
      }),
      response: s.list(s.Alert),
    },
    handler: async ({ query }) => {
      const { run, type, severity, state, channel } = query
      const filter = { type, severity, state, channel, ...spanOf(query) }
      return pageOf(await store.alerts(run, filter, pagingOf(query)), present.alert)
    },
  })

  app.get('/v1/alerts/:id', {
    schema: {
      tags: ['alerts'],
      operationId: 'getAlert',
      summary: 'One alert with the evidence behind it and its history',
      params: s.exactly({ id: Type.String({ format: 'name' }) }),
      querystring: s.exactly({}),
      response: s.answers(s.AlertDetail),
    },
    handler: async ({ params }, reply) => {
      const alert = await store.alert(params.id)
      return alert ? present.alertDetail(alert) : sendProblem(reply, 404, 'There is no alert of this id.')
    },
  })
}
