import { clean, oneLine } from '../../../common/text.ts'
import { HOUR, MINUTE, SECOND } from '../../../common/time.ts'
import { fidIn } from '../hub-message.ts'
import { type Call, type HttpClient, HubError } from './http-client.ts'
import { readPage } from './hub-pages.ts'

const KEPT = 10_000
const AT_ONCE = 8
/** The longest that a call waits for names; those that come later are there for the next. */
const PATIENCE = 2 * SECOND

export type Profile = {
  username: string | null
  displayName: string | null
  bio: string | null
  pfp: string | null
  url: string | null
}

/** Null where the account has no data. @throws HubError */
export async function readProfile(hub: HttpClient, fid: number, call: Call): Promise<Profile | null> {
  const { messages } = readPage(await hub.get('/v1/userDataByFid', { fid }, call))
  const values = new Map<string, string>()
  for (const message of messages) {
    const body = (message as { data?: { userDataBody?: { type?: unknown; value?: unknown } } } | null)?.data
      ?.userDataBody
    if (typeof body?.type === 'string' && typeof body.value === 'string') values.set(body.type, body.value)
  }
  if (values.size === 0) return null
  const line = (type: string, most: number) =>
    oneLine(values.get(`USER_DATA_TYPE_${type}`) ?? '', most) || null
  return {
    username: line('USERNAME', 100),
    displayName: line('DISPLAY', 100),
    bio: clean((values.get('USER_DATA_TYPE_BIO') ?? '').slice(0, 2000)) || null,
    pfp: line('PFP', 2000),
    url: line('URL', 2000),
  }
}

/** The account that a username belongs to; null for none. @throws HubError */
export async function readFid(hub: HttpClient, username: string, call: Call): Promise<number | null> {
  const name = username.replace(/^@/, '').toLowerCase()
  try {
    const json = (await hub.get('/v1/userNameProofByName', { name }, call)) as {
      fid?: unknown
      proof?: { fid?: unknown }
    } | null
    return fidIn(json?.fid ?? json?.proof?.fid)
  } catch (error) {
    // Both families of hubs answer 400 to a name that nobody has.
    if (error instanceof HubError && (error.status === 400 || error.status === 404)) return null
    throw error
  }
}

export interface Names {
  /** The display name of each account; null where there is none or it can't be told. Never throws. */
  of(fids: Iterable<number>): Promise<Map<number, string | null>>
}

/**
 * Display names, for an hour, by one request per account whoever asks; a failure is remembered for a minute. What they
 * take is nobody's: a call never fails or is charged for them.
 */
export function userNames(hub: HttpClient, now: () => number = () => performance.now()): Names {
  type Known = { name: string | null | undefined; settled: Promise<void>; expires: number }
  const known = new Map<number, Known>()
  const waiting: (() => void)[] = []
  let running = 0

  async function lookUp(fid: number, entry: Known): Promise<void> {
    if (running >= AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve))
    running++
    try {
      entry.name = (await readProfile(hub, fid, {}))?.displayName ?? null
      entry.expires = now() + HOUR
    } catch {
      entry.name = null
      entry.expires = now() + MINUTE
    }
    running--
    waiting.shift()?.()
  }

  function find(fid: number): Known {
    const before = known.get(fid)
    if (before && before.expires > now()) {
      known.delete(fid)
      known.set(fid, before)
      return before
    }
    const entry: Known = { name: undefined, settled: Promise.resolve(), expires: Number.POSITIVE_INFINITY }
    entry.settled = lookUp(fid, entry)
    known.delete(fid)
    known.set(fid, entry)
    if (known.size > KEPT) known.delete(known.keys().next().value!)
    return entry
  }

  return {
    async of(fids) {
      const entries = [...new Set(fids)].map((fid) => [fid, find(fid)] as const)
      const pending = entries
        .filter(([, entry]) => entry.name === undefined)
        .map(([, entry]) => entry.settled)
      if (pending.length > 0) {
        let timer: NodeJS.Timeout | undefined
        const patience = new Promise<void>((resolve) => {
          timer = setTimeout(resolve, PATIENCE)
        })
        await Promise.race([Promise.all(pending), patience])
        clearTimeout(timer)
      }
      return new Map(entries.map(([fid, entry]) => [fid, entry.name ?? null]))
    },
  }
}
