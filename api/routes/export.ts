import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Static, type TSchema, Type } from 'typebox'
import type { ExportFilter } from '../../connectors/postgres/database/questions.ts'
import type { Store } from '../../connectors/postgres/store.ts'
import * as ask from '../contracts/asking.ts'
import { streams as streamed } from '../contracts/problem.ts'
import { exactly } from '../contracts/schema.ts'
import { alertColumns, type Columns, countColumns, exportText, HEADERS, signalColumns } from '../export.ts'
import { createPlaces } from '../limits.ts'
import { spanOf } from '../queries/asking.ts'
import type { Queries } from '../queries/queries.ts'
import type { Server } from '../server.ts'
import type { Streams } from '../streams.ts'

/** Exports at a time: each reads the database as fast as its reader takes it. */
const MOST = 8
const EACH = 4

const TYPES = {
  csv: 'text/csv; charset=utf-8; header=present',
  ndjson: 'application/x-ndjson; charset=utf-8',
}

const filter = {
  run: ask.AnyRun,
  series: Type.Optional(ask.SeriesName),
  channel: Type.Optional(ask.ChannelName),
  ...ask.span,
  format: Type.Unsafe<keyof typeof TYPES>({ type: 'string', enum: Object.keys(TYPES), default: 'csv' }),
  safe: Type.Optional(
    Type.Unsafe<'spreadsheet'>({
      type: 'string',
      enum: ['spreadsheet'],
      description:
        'CSV for people: an apostrophe stands before texts that a spreadsheet would take for a formula (those that begin with = + - @, a tab or a line end).',
    }),
  ),
}
const resolution = { resolution: Type.Optional(ask.AnyResolution) }
const fill = {
  fill: Type.Boolean({ default: false, description: 'List the zeros of idle time too.' }),
}
const ExportCounts = exactly({ ...filter, ...resolution, ...fill })
const ExportSignals = exactly({ ...filter, ...resolution })
const ExportAlerts = exactly({ ...filter, ...resolution })
type Asked = Static<typeof ExportAlerts>

const schemaOf = <T extends TSchema>(what: keyof typeof HEADERS, order: string, querystring: T) => ({
  tags: ['export'],
  operationId: `export${what[0]!.toUpperCase()}${what.slice(1)}`,
  summary: `All matching ${what}, ${order}, as CSV or NDJSON`,
  description:
    `Columns: ${HEADERS[what].join(', ')}. Empty (null in NDJSON): not known. CSV is as in RFC 4180 but with LF line ends, and fields are as they are: ` +
    'channels are named by strangers, so ask for `safe=spreadsheet` where a spreadsheet opens it. ' +
    `A connection that breaks means that the export is not whole. At most ${EACH} at a time for one address, ${MOST} in all.`,
  querystring,
  response: streamed('The rows.', 'text/csv', 'application/x-ndjson'),
})

export function exportRoutes(app: Server, store: Store, { known }: Queries, streams: Streams): void {
  const places = createPlaces('exports', MOST, EACH)

  async function send<Row>(
    request: FastifyRequest,
    reply: FastifyReply,
    what: keyof typeof HEADERS,
    { run, series, channel, resolution, format, safe, ...asked }: Asked,
    rows: (filter: ExportFilter) => AsyncIterable<Row>,
    columns: (row: Row) => Columns,
  ) {
    const span = spanOf(asked)
    // A name that was mistyped must not pass for one of which nothing is known.
    await known.channel(run, channel)
    if (series !== undefined) await known.series(run, series)
    if (!places.take(request, reply)) return reply
    reply.type(TYPES[format])
    reply.header('content-disposition', `attachment; filename="${what}-${run}.${format}"`)
    const matching = rows({ run, series, channel, resolution, ...span })
    const form = format === 'csv' && safe === 'spreadsheet' ? 'spreadsheet' : format
    return streams.send(reply, () => exportText(matching, columns, HEADERS[what], form))
  }

  // HEAD would read every row to answer with none.
  const common = { exposeHeadRoute: false, config: { scope: 'read' } } as const
  app.get('/v1/export/counts', {
    ...common,
    schema: schemaOf('counts', 'by series and start', ExportCounts),
    handler: (request, reply) => {
      const { fill, resolution = 300, ...asked } = request.query
      const rows = (filter: ExportFilter) => store.series.exportCounts({ ...filter, resolution, fill })
      return send(request, reply, 'counts', asked, rows, countColumns)
    },
  })
  app.get('/v1/export/signals', {
    ...common,
    schema: schemaOf('signals', 'by series and start', ExportSignals),
    handler: (request, reply) =>
      send(request, reply, 'signals', request.query, store.series.exportSignals, signalColumns),
  })
  app.get('/v1/export/alerts', {
    ...common,
    schema: schemaOf('alerts', 'as their events, by id and sequence', ExportAlerts),
    handler: (request, reply) =>
      send(request, reply, 'alerts', request.query, store.alerts.export, alertColumns),
  })
}
