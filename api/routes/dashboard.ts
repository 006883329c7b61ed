import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { pipeline, Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { createGzip } from 'node:zlib'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance } from 'fastify'
import { PAGE_POLICY } from '../auth/headers.ts'

const FILES = fileURLToPath(new URL('../dashboard', import.meta.url))
/** The table of measures, which pages import from where they would find it here. */
const SCHEMAS = fileURLToPath(new URL('../../schemas', import.meta.url))
const UPLOT = dirname(createRequire(import.meta.url).resolve('uplot/dist/uPlot.iife.min.js'))
/** What a browser needs: tests and their helpers stand in the same folder. */
const SERVED = /^[\w./-]+\.(html|js|css|svg|png|ico)$/

/** The dashboard's page and files, and the chart library it uses: nothing comes from another host. */
export async function dashboardRoutes(app: FastifyInstance): Promise<void> {
  // Most of it is comments, types and indentation, which a slow line need not carry.
  app.addHook('onSend', async (request, reply, payload) => {
    const packable = payload instanceof Readable && reply.statusCode === 200
    if (!packable || !/\bgzip\b/.test(request.headers['accept-encoding'] ?? '')) return payload
    reply.removeHeader('content-length').removeHeader('accept-ranges')
    reply.headers({ 'content-encoding': 'gzip', vary: 'accept-encoding' })
    // A file that fails, or a reader that leaves, ends both.
    return pipeline(payload, createGzip(), () => {})
  })
  const caching = { cacheControl: false, headers: { 'cache-control': 'no-cache' } }
  await app.register(fastifyStatic, {
    root: FILES,
    prefix: '/dashboard/',
    index: false,
    cacheControl: false,
    schemaHide: true,
    allowedPath: (path) => SERVED.test(path),
    setHeaders: (reply) => void reply.header('cache-control', 'no-cache'),
  })
  const hidden = { schema: { hide: true } }
  app.get('/', hidden, (_request, reply) =>
    reply.header('content-security-policy', PAGE_POLICY).sendFile('index.html', FILES, caching),
  )
  app.get('/schemas/measures.js', hidden, (_request, reply) =>
    reply.sendFile('measures.js', SCHEMAS, caching),
  )
  for (const file of ['uPlot.iife.min.js', 'uPlot.min.css']) {
    app.get(`/vendor/${file}`, hidden, (_request, reply) => reply.sendFile(file, UPLOT, caching))
  }
}
