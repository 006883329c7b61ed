/** Streams of an API over a store that grows, and a client that reads them. */
import { once } from 'node:events'
import { type IncomingMessage, get as request } from 'node:http'
import { Registry } from 'prom-client'
import { FcmError } from '../common/errors.ts'
import type { AlertChange, Alerts } from '../connectors/postgres/alerts/alerts.ts'
import { comparePlaces } from '../connectors/postgres/alerts/place.ts'
import type { Store } from '../connectors/postgres/store.ts'
import { alert, CHANNEL, fakeStore, T0, testApi } from './testing.ts'

type Event = { id: string | undefined; event: string | undefined; data: string | undefined; text: string }
type Api = Awaited<ReturnType<typeof testApi>>

/** Closed after each test of a file that says `afterEach(closeOpened)`. */
const opened: Api['app'][] = []
export async function closeOpened(): Promise<void> {
  await Promise.all(opened.splice(0).map((app) => app.close()))
}

type EventChange = AlertChange & { kind: 'event' }

export const change = (n: number, more: Partial<EventChange['now']> = {}): EventChange => ({
  ...{ place: `1.${n}`, at: T0, kind: 'event' },
  alert: `alert-${n}`,
  event: 'opened',
  now: { ...alert, id: `alert-${n}`, state: 'open', ...more },
})

/** A store in which `changes` and `now` may grow, that counts how often it was asked. */
export function growingStore(changes: EventChange[] = [], overrides: Partial<Alerts> = {}) {
  const state = { changes, now: T0, polls: 0, pages: 0 }
  const store = fakeStore({
    alerts: {
      lastPlaces: async (runs) => {
        state.polls++
        const last = state.changes.at(-1)
        return new Map(last && runs.includes('live') ? [['live', last.place]] : [])
      },
      changes: async (_run, after, limit) => {
        state.pages++
        return state.changes.filter(({ place }) => comparePlaces(place, after) > 0).slice(0, limit)
      },
      checkPlace: async (run, place) => {
        if (run === 'live' && state.changes.some((c) => c.place === place)) return
        throw new FcmError('PLACE_UNKNOWN', { run, place })
      },
      ...overrides,
    },
    series: {
      now: async () => state.now,
      findChannel: async (_run, name) => ({ known: [CHANNEL, 'other'].includes(name), alike: [] }),
    },
  })
  return { state, store }
}

export async function listening(store: Store, times = {}, metrics = new Registry()) {
  const { app, logged } = await testApi({ store, metrics, streamTimes: { pollMs: 5, ...times } })
  opened.push(app)
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  return { app, logged, url: (query = '') => `${url}/v1/stream${query}` }
}

/** Connects and reads events; `close` cuts the connection. */
export async function connect(url: string, headers: Record<string, string> = {}, localAddress = '127.0.0.1') {
  const sent = request(url, { headers, localAddress })
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  response.on('error', () => {})
  const events = read(response)
  return {
    response,
    close: () => sent.destroy(),
    /** The next of a kind; undefined: the stream has ended. */
    async next(kind?: 'alert' | 'bins' | 'comment' | 'begin'): Promise<Event | undefined> {
      for (;;) {
        const { value } = await events.next()
        if (!value || kind === undefined || kindOf(value) === kind) return value
      }
    },
  }
}

export const kindOf = ({ event, text }: Event) => event ?? (text.startsWith(':') ? 'comment' : 'begin')

async function* read(response: IncomingMessage): AsyncGenerator<Event, undefined> {
  let rest = ''
  try {
    for await (const chunk of response.setEncoding('utf8')) {
      const blocks = (rest + chunk).split('\n\n')
      rest = blocks.pop()!
      for (const text of blocks) {
        const field = (name: string) =>
          text
            .split('\n')
            .find((line) => line.startsWith(`${name}: `))
            ?.slice(name.length + 2)
        yield { id: field('id'), event: field('event'), data: field('data'), text }
      }
    }
  } catch {
    // Cut off.
  }
  return undefined
}
