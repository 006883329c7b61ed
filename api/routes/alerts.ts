import { AlertDetail, AlertList } from '../contracts/alerts.ts'
import { Name } from '../contracts/asking.ts'
import { answers } from '../contracts/problem.ts'
import { exactly } from '../contracts/schema.ts'
import { ListAlerts } from '../queries/alerts.ts'
import type { Queries } from '../queries/queries.ts'
import { revalidated } from '../revalidated.ts'
import type { Server } from '../server.ts'

export function alertRoutes(app: Server, queries: Queries): void {
  app.get('/v1/alerts', {
    config: { scope: 'read' },
    schema: {
      tags: ['alerts'],
      operationId: 'listAlerts',
      summary: 'Alerts, those opened last first; the span is that of their opening',
      description:
        'Of the alerts of one type that opened on one UTC day of event time, so many are listed as the deployment allows: ' +
        'by severity, then score, then p-value. `beyondCap` tells how many that leaves out.',
      querystring: ListAlerts,
      response: answers(AlertList),
    },
    onSend: revalidated,
    handler: ({ query }) => queries.alerts(query),
  })

  app.get('/v1/alerts/:id', {
    config: { scope: 'read' },
    schema: {
      tags: ['alerts'],
      operationId: 'getAlert',
      summary: 'One alert with the evidence behind it and its history',
      params: exactly({ id: Name(200) }),
      querystring: exactly({}),
      response: answers(AlertDetail),
    },
    handler: ({ params }) => queries.alert(params.id),
  })
}
