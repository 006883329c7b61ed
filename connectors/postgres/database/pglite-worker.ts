/**
 * Runs PGlite (PostgreSQL itself, compiled to WebAssembly) in a thread of its own, so that its work never blocks the
 * event loop of the process. Each connection is a MessagePort that carries PostgreSQL's wire protocol.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { PGlite } from '@electric-sql/pglite'

export type ToWorker = { connect: MessagePort } | 'close'
export type FromWorker = 'ready' | 'closed' | { fatal: string }

/** Of the wire protocol: the first byte of the message that ends a session, and of that which ends every answer. */
const TERMINATE = 'X'.charCodeAt(0)
const READY_FOR_QUERY = 'Z'.charCodeAt(0)
const READY_BYTES = 6

const parent = parentPort!
const send = (message: FromWorker) => parent.postMessage(message)

try {
  serve(await PGlite.create(workerData.dir as string))
  send('ready')
} catch (error) {
  fail(error)
}

function fail(error: unknown): void {
  send({ fatal: error instanceof Error ? error.message : String(error) })
}

function serve(db: PGlite): void {
  /** PGlite has one session: a new connection takes it over from the one before. */
  let current: MessagePort | undefined
  /** Requests are carried out one after another, in the order in which they came. */
  let last: Promise<void> = Promise.resolve()
  const queue = (work: () => Promise<void>): void => {
    last = last.then(work).catch(fail)
  }

  parent.on('message', (message: ToWorker) => {
    if (message === 'close') {
      queue(async () => {
        await db.close()
        send('closed')
      })
    } else connect(message.connect)
  })

  function connect(port: MessagePort): void {
    queue(async () => {
      current?.close()
      current = port
      // What the connection before had not committed, and its session, must not reach this one.
      if (db.isInTransaction()) await db.exec('ROLLBACK')
      await db.exec('DISCARD ALL')
    })
    port.on('message', (request: Uint8Array) =>
      queue(async () => {
        if (current !== port) return
        // An answer comes in pieces of 8 KB, cut anywhere, also inside its last message.
        let end = new Uint8Array()
        await db.execProtocolRawStream(request, {
          onRawData: (bytes) => {
            end = new Uint8Array([...end, ...bytes.slice(-READY_BYTES)].slice(-READY_BYTES))
            port.postMessage(bytes.slice())
          },
        })
        // PostgreSQL panics, for example, when the disk has no room for its log. It doesn't throw; it never answers again.
        if (request[0] !== TERMINATE && end.at(-READY_BYTES) !== READY_FOR_QUERY) {
          throw new Error('PostgreSQL stopped in the middle of a statement')
        }
      }),
    )
  }
}
