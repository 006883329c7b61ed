import type { FastifyReply } from 'fastify'
import { type Static, Type } from 'typebox'
import { FcmError } from '../../common/errors.ts'
import type { ExportFilter } from '../../connectors/postgres/database/questions.ts'
import type { Store } from '../../connectors/postgres/store.ts'
import { alertColumns, countColumns, exportText, HEADERS, signalColumns } from '../export.ts'
import * as s from '../schemas.ts'
import type { Server } from '../server.ts'
import type { Streams } from '../streams.ts'
import { spanOf } from './query.ts'

const TYPES = {
  csv: 'text/csv; charset=utf-8; header=present',
  ndjson: 'application/x-ndjson; charset=utf-8',
}

const Query = s.exactly({
  run: s.AnyRun,
  series: Type.Optional(s.SeriesName),
  channel: Type.Optional(s.ChannelName),
  resolution: Type.Optional(s.AnyResolution),
  ...s.span,
  fill: Type.Boolean({ default: false, description: 'Counts only: list the zeros of idle time too.' }),
  format: Type.Unsafe<keyof typeof TYPES>({ type: 'string', enum: Object.keys(TYPES), default: 'csv' }),
})
type Query = Static<typeof Query>

const schemaOf = (what: keyof typeof HEADERS, order: string) => ({
  tags: ['export'],
  operationId: `export${what[0]!.toUpperCase()}${what.slice(1)}`,
  summary: `All matching ${what}, ${order}, as CSV or NDJSON`,
  description:
    `Columns: ${HEADERS[what].join(', ')}. Empty (null in NDJSON): not known. CSV is as in RFC 4180 but with LF line ends, and fields are as they are: ` +
    'channels are named by strangers, so do not let a spreadsheet run formulas. ' +
    'A connection that breaks means that the export is not whole.',
  querystring: Query,
  response: s.streams('The rows.', 'text/csv', 'application/x-ndjson'),
})

export function exportRoutes(app: Server, store: Store, streams: Streams): void {
  const filterOf = (query: Query): ExportFilter => {
    const { run, series, channel, resolution } = query
    return { run, series, channel, resolution, ...spanOf(query) }
  }
  const unfilled = (query: Query): void => {
    if (!query.fill) return
    throw new FcmError('OPTION_INVALID', {
      option: 'fill',
      why: 'only counts can be filled',
      hint: 'Leave it out',
    })
  }
  const send = (reply: FastifyReply, what: string, query: Query, text: AsyncIterable<string>) => {
    reply.type(TYPES[query.format])
    reply.header('content-disposition', `attachment; filename="${what}-${query.run}.${query.format}"`)
    return streams.send(reply, () => text)
  }

  app.get('/v1/export/counts', {
    config: { scope: 'read' },
    // HEAD would read every row to answer with none.
    exposeHeadRoute: false,
    schema: schemaOf('counts', 'by series and start'),
    handler: async ({ query }, reply) => {
      const { resolution = 300, ...filter } = filterOf(query)
      const rows = store.series.exportCounts({ ...filter, resolution, fill: query.fill })
      return send(reply, 'counts', query, exportText(rows, countColumns, HEADERS.counts, query.format))
    },
  })
  app.get('/v1/export/signals', {
    config: { scope: 'read' },
    exposeHeadRoute: false,
    schema: schemaOf('signals', 'by series and start'),
    handler: async ({ query }, reply) => {
      unfilled(query)
      const rows = store.series.exportSignals(filterOf(query))
      return send(reply, 'signals', query, exportText(rows, signalColumns, HEADERS.signals, query.format))
    },
  })
  app.get('/v1/export/alerts', {
    config: { scope: 'read' },
    exposeHeadRoute: false,
    schema: schemaOf('alerts', 'as their events, by id and sequence'),
    handler: async ({ query }, reply) => {
      unfilled(query)
      const rows = store.alerts.export(filterOf(query))
      return send(reply, 'alerts', query, exportText(rows, alertColumns, HEADERS.alerts, query.format))
    },
  })
}
