/** Faults on demand: a pure function of seed, request and time, so that a run with them can be repeated. */
import { FcmError } from '../../../common/errors.ts'
import { utc } from '../../../common/time.ts'
import { createRandom } from '../../../models/random.ts'

const KINDS = ['slow', 'hang', '429', '500', 'cut', 'garbage', 'dangling'] as const
export type FaultKind = (typeof KINDS)[number]

export type Fault = {
  kind: FaultKind
  /** The share of requests that it strikes. */
  rate: number
  /** slow, hang: how long an answer takes; 429: after how long to come back. */
  seconds: number
  /** Part of the canonical requests that it strikes. */
  match: string
  /** Strikes in [from, to), ms. */
  from: number
  to: number
}

const SECONDS: Partial<Record<FaultKind, number>> = { slow: 30, hang: 3600, '429': 30 }
const HINT =
  `Kinds are ${KINDS.join(', ')}; then, each after a comma, rate=0..1, seconds=N (slow, hang, 429), ` +
  'match=PART OF A REQUEST, from=TIME, to=TIME. For example --fault 429,rate=0.1,match=/v1/castsByParent'

/** `KIND[,rate=0..1][,seconds=N][,match=TEXT][,from=TIME][,to=TIME]`. @throws FcmError OPTION_INVALID */
export function parseFault(spec: string): Fault {
  const refuse = (why: string): never => {
    throw new FcmError('OPTION_INVALID', { option: `--fault "${spec}"`, why, hint: HINT })
  }
  const number = (name: string, value: string, most: number): number => {
    const number = value.trim() === '' ? Number.NaN : Number(value)
    return number >= 0 && number <= most ? number : refuse(`${name} must be a number from 0 to ${most}`)
  }
  const time = (name: string, value: string): number => {
    return utc(value) ?? refuse(`${name} must be a time in UTC, such as 2026-01-26T12:00:00Z`)
  }
  const [name, ...settings] = spec.split(',')
  const kind = KINDS.find((known) => known === name) ?? refuse(`"${name}" is no kind of fault`)
  const fault: Fault = {
    kind,
    rate: 1,
    seconds: SECONDS[kind] ?? 0,
    match: '',
    from: Number.NEGATIVE_INFINITY,
    to: Number.POSITIVE_INFINITY,
  }
  for (const setting of settings) {
    const equals = setting.indexOf('=')
    const [key, value] = [setting.slice(0, Math.max(0, equals)), setting.slice(equals + 1)]
    if (key === 'rate') fault.rate = number(key, value, 1)
    else if (key === 'seconds' && kind in SECONDS) fault.seconds = number(key, value, 1e6)
    else if (key === 'match') fault.match = value
    else if (key === 'from' || key === 'to') fault[key] = time(key, value)
    else refuse(`"${setting}" is no setting of it`)
  }
  return fault
}

/** The path and the decoded query, sorted: one text for one request, however it is written. */
export function canonical(path: string, query: URLSearchParams): string {
  const pairs = [...query].map(([name, value]) => `${name}=${value}`).sort()
  return pairs.length > 0 ? `${path}?${pairs.join('&')}` : path
}

/**
 * Uniform in [0, 1), for one fault, request and time. Faults of a kind share their draws, so that a higher rate strikes
 * what the lower one struck, and more.
 */
export const drawFault = (seed: number, kind: string, request: string, now: number): number =>
  createRandom(`${seed}\0${kind}\0${request}\0${now}`).next()

/** Those of `faults` that strike `request` at `now`. */
export function striking(faults: readonly Fault[], seed: number, request: string, now: number): Fault[] {
  return faults.filter(
    ({ kind, rate, match, from, to }) =>
      now >= from &&
      now < to &&
      request.includes(match) &&
      (kind !== 'dangling' || isReversedByParent(request)) &&
      drawFault(seed, kind, request, now) < rate,
  )
}

const isReversedByParent = (request: string): boolean =>
  request.startsWith('/v1/castsByParent?') && /[?&]reverse=(true|1)(&|$)/.test(request)

/** An answer that no hub gives: no JSON, other JSON, or a page of which one message lacks half its hash. */
export function garble(body: string, draw: number): string {
  if (draw < 1 / 3) return '<html><body><h1>502 Bad Gateway</h1></body></html>'
  const json = JSON.parse(body) as { messages?: { hash: string }[] }
  const messages = json.messages ?? []
  if (draw < 2 / 3 || messages.length === 0) return '{"status":"ok","data":[{"id":1}]}'
  const chosen = messages[Math.floor((draw * 3 - 2) * messages.length)]!
  chosen.hash = chosen.hash.slice(0, 22)
  return JSON.stringify(json)
}
