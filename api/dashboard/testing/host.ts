/**
 * The query API over a scene, on a port of its own, which can go away and come back, and remembers what it refused.
 * By hand: `node api/dashboard/testing/host.ts 4100`.
 */
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pino } from 'pino'
import { createApi } from '../../app.ts'
import { createScene, type Scene } from './scene.ts'

export async function startHost(scene: Scene, port = 0) {
  const { store, log, metrics, notice, failures } = scene
  const host = '127.0.0.1'
  const logger = pino({ level: 'silent' })
  const app = await createApi({ store, log, metrics, notice, failures, logger, host, version: '1.0.0' })
  await app.ready()
  /** What was asked for and isn't there, or that no page of ours should ask: address and status. */
  const refused: string[] = []
  const streams = new Set<ServerResponse>()
  /** What listeners that came back had heard last. */
  const resumed: string[] = []
  let streaming = true

  // A server of our own, since Fastify's can't listen again once it has been closed.
  const server = createServer((request, response) => {
    response.once('finish', () => {
      const { statusCode } = response
      if (statusCode >= 400 && statusCode < 500) refused.push(`${request.url}: ${statusCode}`)
    })
    if (request.url?.startsWith('/v1/stream')) {
      if (!streaming) return void response.writeHead(503).end()
      const heard = request.headers['last-event-id']
      if (heard !== undefined) resumed.push(String(heard))
      streams.add(response)
      response.once('close', () => streams.delete(response))
    }
    app.routing(request, response)
  })
  const listen = (port: number): Promise<void> =>
    new Promise((resolve) => server.listen(port, host, () => resolve()))
  await listen(port)
  const own = (server.address() as AddressInfo).port
  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })

  return {
    url: `http://${host}:${own}/`,
    refused,
    resumed,
    listeners: (): number => streams.size,
    /** Breaks the streams off; what happens meanwhile is told to who comes back. */
    cut: (): void => {
      for (const stream of streams) stream.destroy()
    },
    /** Whether streams are served at all. */
    stream: (on: boolean): void => {
      streaming = on
    },
    stop,
    restart: (): Promise<void> => listen(own),
    async close(): Promise<void> {
      if (server.listening) await stop()
      await app.close()
    },
  }
}
export type Host = Awaited<ReturnType<typeof startHost>>

if (import.meta.main) {
  const { url } = await startHost(createScene(), Number(process.argv[2] ?? 4100))
  process.stdout.write(`the made-up network is at ${url}\n`)
}
