/**
 * How commands ask: over HTTP while another process owns the data directory, else by opening the directory (or reaching
 * for Kafka and its database) themselves and asking the very same API in process.
 */
import { resolve } from 'node:path'
import { addAbortSignal, Readable } from 'node:stream'
import type { AtWork } from '../api/contracts/admin.ts'
import type { Problem } from '../api/contracts/problem.ts'
import { codeOf } from '../api/problem-type.ts'
import { type ErrorCode, FcmError, toldError } from '../common/errors.ts'
import type { Config } from './config.ts'
import { hasLog } from './data-directory.ts'
import { type Owner, readOwner } from './owner.ts'

export type Request = {
  method?: 'GET' | 'POST' | 'DELETE'
  path: string
  body?: object
  signal?: AbortSignal
}

export type Client = {
  /** The answer's body, as it comes. @throws FcmError of the problem's code, with its detail */
  stream(request: Request): Promise<Readable>
  /** The answer's body as JSON. */
  json<T>(request: Request): Promise<T>
  close(): Promise<void>
}

type Answer = { status: number; body: Readable }

/** `create`: a data directory that is not there is made. @throws FcmError DATA_DIR_MISSING */
export async function connect(config: Config, { create = false } = {}): Promise<Client> {
  if (config.kafkaBrokers !== undefined) return openDirectly(config)
  const dir = resolve(config.dataDir)
  if (!create && !hasLog(dir)) throw new FcmError('DATA_DIR_MISSING', { dir })
  const owner = await readOwner(dir)
  if (owner && (await isOwner(owner))) return clientOf(overHttp(owner.url, owner.token), async () => {})
  try {
    return await openDirectly(config)
  } catch (error) {
    if (owner && error instanceof FcmError && error.code === 'DATA_DIR_LOCKED') {
      throw new FcmError('OWNER_UNREACHABLE', { dir, pid: owner.pid, url: owner.url })
    }
    throw error
  }
}

/** The roles of a run that the process which owns the data directory has; none when nobody owns it. Not for Kafka. */
export async function rolesAtWork(client: Client, run: string): Promise<string[]> {
  const { atWork } = await client.json<AtWork>({ path: '/admin' })
  return atWork.flatMap((one) => (one.run === run ? one.role : []))
}

/** Whether the process at that address is the one that wrote the file: another may have come to its port. */
const isOwner = ({ url, token }: Owner): Promise<boolean> =>
  fetch(`${url}/admin`, {
    headers: { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(2000),
  }).then(
    ({ ok }) => ok,
    () => false,
  )

const overHttp =
  (url: string, token: string) =>
  async ({ method = 'GET', path, body, signal }: Request): Promise<Answer> => {
    const answer = await fetch(url + path, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body ? { 'content-type': 'application/json' } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
      ...(signal ? { signal } : {}),
    })
    return { status: answer.status, body: answer.body ? Readable.fromWeb(answer.body) : Readable.from([]) }
  }

async function openDirectly(config: Config): Promise<Client> {
  // Loaded where it is needed: whoever asks the owner is answered in half the time.
  const [{ openEngines }, { apiOf }] = await Promise.all([import('./engines.ts'), import('./serve.ts')])
  const engines = await openEngines(config)
  const { app, token } = await apiOf(engines)
  const ask = async ({ method = 'GET', path, body, signal }: Request): Promise<Answer> => {
    // `inject` itself is not told: aborted before there is an answer it ends the process, or never returns.
    signal?.throwIfAborted()
    const answer = await app.inject({
      method,
      url: path,
      headers: { authorization: `Bearer ${token}`, host: '127.0.0.1' },
      ...(body ? { payload: body } : {}),
      payloadAsStream: true,
    })
    signal?.throwIfAborted()
    const stream = answer.stream()
    return { status: answer.statusCode, body: signal ? addAbortSignal(signal, stream) : stream }
  }
  return clientOf(ask, async () => {
    await app.close()
    await engines.close()
  })
}

function clientOf(ask: (request: Request) => Promise<Answer>, close: () => Promise<void>): Client {
  const stream = async (request: Request): Promise<Readable> => {
    const { status, body } = await ask(request)
    if (status < 400) return body
    const { type = '', detail = `The answer was ${status}.` } = problemIn(await text(body))
    throw toldError(codeOf(type), detail, withoutCode(status))
  }
  return {
    stream,
    async json<T>(request: Request) {
      const body = await text(await stream(request))
      return (body === '' ? null : JSON.parse(body)) as T
    },
    close,
  }
}

async function text(stream: Readable): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks).toString()
}

function problemIn(body: string): Partial<Problem> {
  try {
    return JSON.parse(body) as Problem
  } catch {
    return {}
  }
}

/** What it is when a problem names no error of ours. */
function withoutCode(status: number): ErrorCode {
  if (status === 429 || status === 503) return 'ANSWER_AWAY'
  return status < 500 ? 'ASKED_WRONGLY' : 'FAULT'
}
