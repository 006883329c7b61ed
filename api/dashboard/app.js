// @ts-check
/** What all pages share: what is looked at, what the server is asked and when, and what it did not answer. */
import { api, contact, orNull } from './api.js'
import { createQuestion } from './asking.js'
import { counted, full } from './format.js'
import { createLive } from './live.js'
import { BEHIND_SECONDS, worst } from './pages/lag.js'
import { createQueue } from './queue.js'
import { filtersOf, fit, formatHash, namesRun, OVERVIEW, parseHash } from './route.js'

/**
 * @typedef {import('./route.js').Route} Route
 * @typedef {import('./asking.js').Question} Question
 * @typedef {{ root: HTMLElement, heading: string, questions: Question[], draw: () => void,
 *   items: () => HTMLElement[], search?: () => void, step?: (by: 1 | -1) => void,
 *   comeBack?: (from: Route) => void }} Page
 *   `questions`: what is asked while it is looked at; `items`: what j and k move through; `step`: what they do where there
 *   is none
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
  const nothing = () => ({
    /** @type {import('./types.ts').Run[]} */ runs: [],
    /** @type {import('./types.ts').Lag[]} */ lag: [],
    /** @type {import('./types.ts').Source | null} */ source: null,
  })
  const known = {
    ...nothing(),
    /** What the server says of itself. @type {import('./types.ts').About | null} */ about: null,
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

  // Asking

  let askedAt = 0
  let news = true
  const live = createLive(
    (now) => {
      news = true
      if (now !== null) reached(now)
      if (Date.now() - askedAt >= NEWS_MS) ask()
    },
    () => draw(),
  )
  const queue = createQueue(() => app.route)
  const question = (/** @type {string} */ name, /** @type {() => Promise<unknown>} */ work) =>
    createQuestion(name, work, draw)
  /** @template T @param {() => Promise<T>} work @param {(answer: T) => void} keep */
  const ofRun = (work, keep) => async () => {
    const { run } = app.route
    const answer = await work()
    if (app.route.run === run) keep(answer)
  }
  /** @type {Record<'alerts' | 'about' | 'runs' | 'lag' | 'source', Question>} */
  const questions = {
    alerts: question('alerts', async () => {
      const { run } = app.route
      const came = await queue.ask(run)
      if (came.length === 0 || app.route.run !== run) return
      const [newest] = came
      const more = came.length > 1 ? ` and ${came.length - 1} more` : ''
      shell.announce(`New alert: ${shell.tell(newest)}${more}`)
    }),
    about: question('what the server says of itself', async () => {
      known.about = await orNull(api.about())
    }),
    runs: question(
      'runs',
      ofRun(
        () => api.runs(),
        ({ items }) => {
          known.runs = items
          app.reached(items.find((each) => each.run === app.route.run)?.lastAt ?? null)
          leaveEmpty()
        },
      ),
    ),
    lag: question(
      'unread records',
      ofRun(
        () => api.lag(app.route.run),
        ({ items }) => {
          known.lag = items
          leaveEmpty()
        },
      ),
    ),
    source: question(
      'the source',
      ofRun(
        () => api.source(app.route.run, 1),
        (source) => {
          known.source = source
        },
      ),
    ),
  }
  /** After how long each is asked again, ms. */
  const pauses = () => {
    const down = contact.downSince !== null
    const slowly = app.now === null || live.state() !== 'live' ? 0 : RUNS_MS
    return {
      alerts: 0,
      // What is simulated says so when it has begun; and a server that was away may be another.
      about: known.about === null || down ? 0 : known.about.notice === null ? slowly : Infinity,
      runs: slowly,
      lag: app.route.page === 'ops' ? OPS_MS - NEWS_MS / 2 : STATUS_MS,
      source: STATUS_MS,
    }
  }

  function ask(afresh = false) {
    news = false
    askedAt = Date.now()
    for (const [name, pause] of Object.entries(pauses())) {
      const each = questions[/** @type {keyof typeof questions} */ (name)]
      if (askedAt - each.askedAt >= pause) each.ask()
    }
    for (const each of shell.page().questions) each.ask(afresh)
  }

  const app = {
    route: parseHash(location.hash),
    /** Event time that the run has reached, ms. @type {number | null} */ now: null,
    /** When it last moved, by this machine's clock. */ movedAt: Date.now(),
    /** From where on a score of 5-minute bins warns, once known. @type {number | null} */ threshold: null,
    /** Channels, those most at risk first, as told last. @type {string[]} */ order: [],
    queue,
    known,
    questions,
    live,
    /** All that is asked on this page. */
    asked: () => [...Object.values(questions), ...shell.page().questions],
    question,
    ask,
    draw,
    reached: (/** @type {string | null} */ iso) => iso !== null && reached(Date.parse(iso)),
    link: (/** @type {Partial<Route>} */ to) => formatHash(beside(to)),
    /** Goes to another page. */
    go: (/** @type {Partial<Route>} */ to) => visit(beside(to)),
    /** Looks at something else of the same page. */
    change: (/** @type {Partial<Route>} */ to) => visit({ ...app.route, ...to }),
    /** As `go`, but not as a step of its own. */
    replace(/** @type {Partial<Route>} */ to) {
      const next = beside(to)
      history.replaceState(null, '', formatHash(next))
      look(next)
    },
    /** Lists other alerts, or channels. */
    filter(/** @type {Partial<import('./route.js').Filters>} */ to) {
      app.route = { ...app.route, ...to }
      history.replaceState(null, '', formatHash(app.route))
      draw()
      if (!queue.isAnswered()) questions.alerts.ask(true)
    },
    look,
    /** Why the server refuses what is looked at; empty where it doesn't. */
    refused: () =>
      [questions.alerts, ...shell.page().questions].find(({ refused }) => refused)?.refused ?? '',
    /** What the server says that all who look at this run must know; it is of what is live. */
    notice: () => (app.route.run === 'live' ? (known.about?.notice ?? '') : ''),
    /** Why there is nothing to show yet; empty while it can't be had, which is said elsewhere. */
    whyEmpty(/** @type {Question} */ { why }) {
      if (contact.downSince !== null || why !== '') return ''
      if (app.refused()) return `This can't be shown: ${app.refused()}`
      const { lag } = questions
      if (lag.askedAt === 0) return 'The server has not answered yet.'
      const { records, seconds } = worst(known.lag)
      const toGo = `history is being processed; ${counted(records, 'records')} to go.`
      if (app.now !== null)
        return seconds < BEHIND_SECONDS ? 'Asking…' : `Event time ${full(app.now)} is reached: ${toGo}`
      return records > 0
        ? `Nothing is stored yet: ${toGo} Charts begin with the first closed bins.`
        : 'No data yet. Charts begin when the source has sent its first records and their first bin has closed.'
    },
  }

  /** Another page of the same run, and of the same choice of alerts. */
  const beside = (/** @type {Partial<Route>} */ to) =>
    fit({ ...OVERVIEW, run: app.route.run, ...filtersOf(app.route), ...to })

  function reached(/** @type {number} */ now) {
    if (app.now === now || Number.isNaN(now)) return
    const begins = app.now === null
    app.now = now
    app.movedAt = Date.now()
    // What is asked by event time can be asked now.
    if (begins) for (const each of shell.page().questions) each.ask()
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
      for (const each of [questions.alerts, questions.runs, questions.lag, questions.source]) each.forget()
      Object.assign(known, { ...nothing(), runs: known.runs })
      Object.assign(app, { now: null, movedAt: Date.now(), order: [], threshold: null })
      live.listen(next.run)
    }
    shell.arrive(before)
    draw()
    ask(true)
  }

  /** Whether the reader has said which run to look at, or has been shown one. */
  let isChosen = namesRun(location.hash)
  /** Who comes without naming a run sees one that has something, if `live` has nothing and nothing that waits to be. */
  function leaveEmpty() {
    const { runs, lag } = questions
    if (isChosen || app.route.page === 'alert' || runs.answeredAt === null) return
    if (lag.answeredAt === null && lag.why === '') return
    isChosen = true
    const filled = known.runs
      .filter(({ lastAt, alerts }) => lastAt !== null || alerts > 0)
      .sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1))
    if (known.lag.length > 0 || filled.length === 0 || filled.some(({ run }) => run === 'live')) return
    const [newest] = filled
    shell.announce(`Nothing is live: this is the run ${newest.run}`)
    app.replace({ ...app.route, run: newest.run })
  }

  const wait = () => {
    if (document.hidden) return HIDDEN_MS
    if (contact.downSince !== null) return DOWN_MS
    if (app.route.page === 'ops') return OPS_MS
    if (app.asked().some(({ why }) => why !== '')) return POLL_MS
    return live.state() === 'live' ? (news ? NEWS_MS : CALM_MS) : POLL_MS
  }
  setInterval(() => {
    if (Date.now() - askedAt >= wait()) ask()
  }, 250)
  const listen = () => (document.hidden ? live.stop() : live.listen(app.route.run))
  document.addEventListener('visibilitychange', () => {
    listen()
    if (!document.hidden) ask()
  })
  listen()
  return app
}
