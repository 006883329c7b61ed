// @ts-check
/** What all pages share: what is looked at, what the server is asked and when, and whether it answers. */
import { api, orNull, Refused, Unreachable } from './api.js'
import { counted, full } from './format.js'
import { createLive } from './live.js'
import { BEHIND_SECONDS, worst } from './pages/lag.js'
import { createQueue } from './queue.js'
import { fit, formatHash, OVERVIEW, parseHash } from './route.js'

/**
 * @typedef {import('./route.js').Route} Route
 * @typedef {{ root: HTMLElement, heading: string, ask: () => Promise<void>, draw: () => void,
 *   items: () => HTMLElement[], search?: () => void, step?: (by: 1 | -1) => void,
 *   comeBack?: (from: Route) => void }} Page
 *   `items`: what j and k move through; `step`: what they do where there is none
 * @typedef {ReturnType<typeof createApp>} App
 */

/** Without news, by the page's own clock. */
const POLL_MS = 3000
/** With news coming in, this often at most, and at least. */
const NEWS_MS = 1000
const CALM_MS = 10_000
const DOWN_MS = 2000
/** A tab that nobody sees only keeps the number of open alerts in its title. */
const HIDDEN_MS = 30_000
/** What an operator watches moves without news. */
const OPS_MS = 2000
const FRAME_MS = 200
/** What changes slowly, or takes the server some adding up. */
const RUNS_MS = 10_000
const STATUS_MS = 5000

/** So many of the channels most at risk, as long as nobody wants more. */
export const FIRST_CHANNELS = 60

/** @param {{ page: () => Page, arrive: (from: Route) => void, draw: () => void, announce: (text: string) => void,
 *   tell: (alert: import('./types.ts').Alert) => string }} shell */
export function createApp(shell) {
  const queue = createQueue()
  const connection = {
    /** By this machine's clock, ms. */ answeredAt: Date.now(),
    askedAt: 0,
    /** The last answer before the server went away. @type {number | null} */ downSince: null,
    why: '',
    /** Why the server refuses what is looked at. */ refused: '',
  }
  const nothing = () => ({
    /** @type {import('./types.ts').Run[]} */ runs: [],
    runsAt: 0,
    /** @type {import('./types.ts').Lag[]} */ lag: [],
    /** @type {import('./types.ts').Source | null} */ source: null,
    statusAt: 0,
  })
  const known = {
    ...nothing(),
    /** What the server says of itself; undefined while it has to be asked, as after it was away.
     * @type {import('./types.ts').About | null | undefined} */ about: undefined,
  }
  // Drawing

  let drawnAt = 0
  let waiting = 0
  /** What is pressed must not be replaced before it is let go: it would be no click. */
  let pressed = false
  addEventListener('pointerdown', (event) => {
    pressed = !(event.target instanceof HTMLInputElement)
  })
  for (const end of ['pointerup', 'pointercancel', 'blur']) {
    addEventListener(end, () => {
      pressed = false
      draw()
    })
  }
  /** Draws soon: at once, or when 200 ms have passed since the last time. */
  function draw() {
    if (waiting) return
    const pause = Math.max(0, drawnAt + FRAME_MS - performance.now())
    waiting = window.setTimeout(() => {
      waiting = 0
      if (pressed) return
      drawnAt = performance.now()
      shell.draw()
    }, pause)
  }
  let news = true
  const live = createLive(
    (now) => {
      news = true
      if (now !== null) reached(now)
      if (Date.now() - connection.askedAt >= NEWS_MS) void ask()
    },
    () => draw(),
  )

  const app = {
    route: parseHash(location.hash),
    /** Event time that the run has reached, ms. @type {number | null} */ now: null,
    /** When it last moved, by this machine's clock. */ movedAt: Date.now(),
    /** From where on a score of 5-minute bins warns, once known. @type {number | null} */ threshold: null,
    /** Channels, those most at risk first, as told last. @type {string[]} */ order: [],
    queue,
    known,
    connection,
    live,
    ask,
    draw,
    reached: (/** @type {string | null} */ iso) => iso !== null && reached(Date.parse(iso)),
    link: (/** @type {Partial<Route>} */ to) => formatHash(fit({ ...OVERVIEW, run: app.route.run, ...to })),
    /** Goes to another page. */
    go: (/** @type {Partial<Route>} */ to) => visit({ ...OVERVIEW, run: app.route.run, ...to }),
    /** Looks at something else of the same page. */
    change: (/** @type {Partial<Route>} */ to) => visit({ ...app.route, ...to }),
    /** As `go`, but not as a step of its own. */
    replace(/** @type {Partial<Route>} */ to) {
      const next = fit({ ...OVERVIEW, run: app.route.run, ...to })
      history.replaceState(null, '', formatHash(next))
      look(next)
    },
    look,
    /** What a button asks for; a server that is gone is told of by the next poll. */
    quietly(/** @type {() => Promise<unknown>} */ question) {
      question()
        .then(draw)
        .catch((error) => {
          if (!(error instanceof Unreachable || error instanceof Refused)) throw error
        })
    },
    /** The alerts to triage; new ones are told to who can't see them arrive. */
    async askQueue() {
      const { run } = app.route
      const came = await queue.ask(run)
      if (came.length === 0 || app.route.run !== run) return
      const [newest] = came
      const more = came.length > 1 ? ` and ${came.length - 1} more` : ''
      shell.announce(`New alert: ${shell.tell(newest)}${more}`)
    },
    /** What the server says that all who look at this run must know; it is of what is live. */
    notice: () => (app.route.run === 'live' ? (known.about?.notice ?? '') : ''),
    /** Why there is nothing to show yet; empty while the server is away, which is said elsewhere. */
    whyEmpty() {
      if (connection.downSince !== null) return ''
      if (connection.refused) return `This can't be shown: ${connection.refused}`
      if (known.statusAt === 0) return 'The server has not answered yet.'
      const { records, seconds } = worst(known.lag)
      const toGo = `history is being processed; ${counted(records, 'records')} to go.`
      if (app.now !== null)
        return seconds < BEHIND_SECONDS ? 'Asking…' : `Event time ${full(app.now)} is reached: ${toGo}`
      return records > 0
        ? `Nothing is stored yet: ${toGo} Charts begin with the first closed bins.`
        : 'No data yet. Charts begin when the source has sent its first records and their first bin has closed.'
    },
  }

  function reached(/** @type {number} */ now) {
    if (app.now === now || Number.isNaN(now)) return
    app.now = now
    app.movedAt = Date.now()
  }

  function visit(/** @type {Route} */ to) {
    const next = fit(to)
    if (formatHash(next) !== formatHash(app.route)) history.pushState(null, '', formatHash(next))
    look(next)
  }

  function look(/** @type {Route} */ next) {
    const before = app.route
    app.route = next
    if (next.run !== before.run) {
      queue.forget()
      Object.assign(known, nothing())
      Object.assign(app, { now: null, movedAt: Date.now(), order: [], threshold: null })
      live.listen(next.run)
    }
    connection.refused = ''
    shell.arrive(before)
    draw()
    void ask()
  }

  // Asking

  let asking = false
  let again = false
  /** One round of questions at a time; what is asked for meanwhile follows at once. */
  async function ask() {
    if (asking) {
      again = true
      return
    }
    asking = true
    try {
      do {
        again = false
        news = false
        connection.askedAt = Date.now()
        await round()
      } while (again)
    } finally {
      asking = false
      draw()
    }
  }

  async function round() {
    try {
      await askShared()
      // A page may take a while, as long as history is processed.
      draw()
      await shell.page().ask()
      connection.refused = ''
    } catch (error) {
      if (error instanceof Unreachable) {
        connection.downSince ??= connection.answeredAt
        connection.why = error.message
        known.about = undefined
        return
      }
      if (!(error instanceof Refused)) throw error
      connection.refused = error.message
    }
    connection.answeredAt = Date.now()
    connection.downSince = null
  }

  async function askShared() {
    const { run } = app.route
    const at = Date.now()
    const runsDue = app.now === null || at - known.runsAt > RUNS_MS || live.state() !== 'live'
    const statusDue = at - known.statusAt > STATUS_MS
    const [about, runs, lag, source] = await Promise.all([
      // A server that has nothing to say of itself refuses, which is fine; what is simulated says so when it has begun.
      known.about === undefined || (runsDue && known.about?.notice === null)
        ? orNull(api.about())
        : known.about,
      runsDue ? api.runs() : null,
      statusDue ? api.lag(run) : null,
      statusDue ? api.source(run, 1) : null,
      app.route.page === 'overview' ? null : app.askQueue(),
    ])
    if (app.route.run !== run) return
    known.about = about
    if (runs) {
      Object.assign(known, { runs: runs.items, runsAt: at })
      app.reached(runs.items.find((each) => each.run === run)?.lastAt ?? null)
    }
    if (lag && source) Object.assign(known, { lag: lag.items, source, statusAt: at })
  }

  const wait = () => {
    if (document.hidden) return HIDDEN_MS
    if (connection.downSince !== null) return DOWN_MS
    if (app.route.page === 'ops') return OPS_MS
    return live.state() === 'live' ? (news ? NEWS_MS : CALM_MS) : POLL_MS
  }
  setInterval(() => {
    if (Date.now() - connection.askedAt >= wait()) void ask()
  }, 250)
  const listen = () => (document.hidden ? live.stop() : live.listen(app.route.run))
  document.addEventListener('visibilitychange', () => {
    listen()
    if (!document.hidden) void ask()
  })
  listen()
  return app
}
