import { Type } from 'typebox'
import type { Store } from '../../connectors/postgres/store.ts'
import * as present from '../present.ts'
import { sendProblem } from '../problem.ts'
import * as s from '../schemas.ts'
import type { Server } from '../server.ts'
import { pageOf, pagingOf, spanOf } from './query.ts'

/** `perDay`: the cap of the deployment, 0: none. */
export function alertRoutes(app: Server, store: Store, perDay: number): void {
  app.get('/v1/alerts', {
    config: { scope: 'read' },
    schema: {
      tags: ['alerts'],
      operationId: 'listAlerts',
      summary: 'Alerts, those opened last first; the span is that of their opening',
      description:
        'Of the alerts of one type that opened on one UTC day of event time, so many are listed as the deployment allows: ' +
        'by severity, then score, then p-value. `beyondCap` tells how many that leaves out.',
      querystring: s.exactly({
        run: s.AnyRun,
        type: Type.Optional(s.KindFilter),
        severity: Type.Optional(s.SeverityFilter),
        state: Type.Optional(s.StateFilter),
        channel: Type.Optional(s.ChannelName),
        ...s.span,
        all: Type.Boolean({ default: false, description: 'Also alerts beyond the daily cap of their type.' }),
        ...s.paging(50, 500),
      }),
      response: s.answers(s.AlertList),
    },
    handler: async ({ query }) => {
      const { run, type, severity, state, channel, all } = query
      const filter = { type, severity, state, channel, ...spanOf(query), perDay, all }
      const { beyondCap, ...page } = await store.alerts.list(run, filter, pagingOf(query))
      return { ...pageOf(page, present.alert), beyondCap }
    },
  })

  app.get('/v1/alerts/:id', {
    config: { scope: 'read' },
    schema: {
      tags: ['alerts'],
      operationId: 'getAlert',
      summary: 'One alert with the evidence behind it and its history',
      params: s.exactly({ id: Type.String({ format: 'name' }) }),
      querystring: s.exactly({}),
      response: s.answers(s.AlertDetail),
    },
    handler: async ({ params }, reply) => {
      const alert = await store.alerts.get(params.id, perDay)
      return alert ? present.alertDetail(alert) : sendProblem(reply, 404, 'There is no alert of this id.')
    },
  })
}
