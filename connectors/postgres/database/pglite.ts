/** The embedded database: PGlite in a worker thread, spoken to by `pg` through streams that end in that thread. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { Duplex } from 'node:stream'
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'
import { FcmError } from '../../../common/errors.ts'
import type { FromWorker, ToWorker } from './pglite-worker.ts'

/** Of the PostgreSQL in the installed PGlite; a directory of another major version can't be opened. */
const MAJOR_VERSION = '18'

/** Making a database takes 4 s on an idle machine, and several times that on a busy one. */
const START_MS = 180_000

export interface Pglite {
  /** For `pg`'s option `stream`. There is one session, so a pool on it has one connection. */
  stream(): Duplex
  /** The tables are there: from now on a directory that doesn't open is broken, not half made. */
  created(): void
  /** Writes all to disk and ends the thread. */
  close(): Promise<void>
}

/** The database in `dir`, made when it isn't there. One process at a time: the caller holds the data directory's lock. */
export async function openPglite(dir: string): Promise<Pglite> {
  const incomplete = `${dir}.incomplete`
  let thread: Promise<Thread> | undefined
  try {
    // Making a database takes seconds. If the process was killed meanwhile, nothing had been acknowledged yet.
    if (existsSync(incomplete)) rmSync(dir, { recursive: true, force: true })
    mkdirSync(dir, { recursive: true, mode: 0o700 })
    const version = path.join(dir, 'PG_VERSION')
    const found = existsSync(version) ? readFileSync(version, 'utf8').trim() : undefined
    if (found === undefined) writeFileSync(incomplete, '')
    else if (found !== MAJOR_VERSION) {
      throw new Error(`it is of PostgreSQL ${found}, and this program has ${MAJOR_VERSION}`)
    }
    thread = startThread(dir)
    await thread
  } catch (error) {
    throw new FcmError(
      'DATA_DIR_UNUSABLE',
      { dir, why: `its database does not open: ${(error as Error).message}` },
      error,
    )
  }

  return {
    stream: () =>
      new PortStream(async () => {
        // A thread that died (say of a full disk) is replaced: PostgreSQL recovers from its own log.
        const running = await thread?.catch(() => undefined)
        if (running && !running.dead()) return running
        thread = startThread(dir)
        return thread
      }),
    created: () => rmSync(incomplete, { force: true }),
    async close() {
      await (await thread?.catch(() => undefined))?.close()
    },
  }
}

/** `dead`: why it ended, once it has. */
type Thread = { connect(): MessagePort; dead(): Error | undefined; close(): Promise<void> }

function startThread(dir: string): Promise<Thread> {
  const worker = new Worker(new URL('./pglite-worker.ts', import.meta.url), {
    workerData: { dir },
    // Of its own: what this process was started with (say --input-type) may not suit a thread.
    execArgv: ['--disable-warning=ExperimentalWarning'],
  })
  const tell = (message: ToWorker, transfer: MessagePort[] = []) => worker.postMessage(message, transfer)
  const ports = new Set<MessagePort>()
  let dead: Error | undefined
  const die = (why = new Error('it was closed')) => {
    dead ??= why
    for (const port of ports) port.close()
    return worker.terminate()
  }

  return new Promise((resolve, reject) => {
    const fail = (why: Error) => {
      clearTimeout(tooLate)
      reject(why)
      void die(why)
    }
    const tooLate = setTimeout(() => fail(new Error('it did not start in time')), START_MS)
    let closed: (() => void) | undefined
    worker.on('error', fail)
    worker.on('exit', () => {
      closed?.()
      fail(new Error('the thread of the embedded database ended'))
    })
    worker.on('message', (message: FromWorker) => {
      if (message === 'closed') void die()
      else if (message !== 'ready') fail(new Error(message.fatal))
      else {
        clearTimeout(tooLate)
        resolve({
          connect() {
            const { port1, port2 } = new MessageChannel()
            ports.add(port1)
            port1.once('close', () => ports.delete(port1))
            tell({ connect: port2 }, [port2])
            return port1
          },
          dead: () => dead,
          close: () =>
            new Promise<void>((done) => {
              if (dead) return done()
              closed = done
              tell('close')
            }),
        })
      }
    })
  })
}

/** What `pg` takes for a socket. */
class PortStream extends Duplex {
  readonly #open: () => Promise<Thread>
  #port: MessagePort | undefined

  constructor(open: () => Promise<Thread>) {
    super({ allowHalfOpen: false })
    this.#open = open
  }

  connect(): this {
    this.#open().then(
      (thread) => {
        if (this.destroyed) return
        const port = thread.connect()
        this.#port = port
        port.on('message', (bytes: Uint8Array) =>
          this.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)),
        )
        port.once('close', () => this.destroy(this.writableEnded ? undefined : lost(thread.dead())))
        this.emit('connect')
      },
      (error: Error) => this.destroy(lost(error)),
    )
    return this
  }

  override _read(): void {}

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.#port?.postMessage(new Uint8Array(chunk))
    done()
  }

  /** What `pg` sends together (parse, bind, execute, sync) is one message, and one answer. */
  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), 'utf8', done)
  }

  override _final(done: () => void): void {
    this.push(null)
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#port?.close()
    done(error)
  }

  setNoDelay(): void {}
  setKeepAlive(): void {}
  ref(): void {}
  unref(): void {}
}

const lost = (cause?: Error): Error => {
  const why = cause ? `: ${cause.message}` : ''
  return Object.assign(new Error(`the embedded database stopped${why}; it is started again`), {
    code: 'ECONNRESET',
  })
}
