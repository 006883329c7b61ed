// @ts-check
/** The casts around a moment. Their texts are hostile: text nodes only, capped, with tricks made visible. */
import { api, orNull } from './api.js'
import { el, redraw, setText } from './dom.js'
import { full, integer, iso, period, plain, short } from './format.js'
import { createStale } from './stale.js'

/** @typedef {import('./types.ts').Cast} Cast @typedef {import('./bins.js').View} View */

const TEXT_CAP = 500
const URL_CAP = 120
const URLS = 4
const PAGE = 50

/** @param {() => void} onMore asks for more */
export function createCasts(onMore) {
  const about = el('span', { class: 'muted' })
  const list = el('ol', { class: 'cast-list' })
  const more = el(
    'button',
    { type: 'button', class: 'button', hidden: true, onclick: onMore },
    'Show more casts',
  )
  const stale = createStale()
  const node = el(
    'section',
    { class: 'card casts' },
    el('div', { class: 'head' }, el('h3', {}, 'Casts'), about),
    stale.node,
    list,
    more,
  )
  /** @type {{ key: string, casts: Cast[], cursor: string | null, extended: boolean }} */
  let known = { key: '', casts: [], cursor: null, extended: false }

  /** The moment's bin and, since 5 minutes are short, a quarter of an hour on either side of such a bin. */
  function spanOf(/** @type {View} */ { at, end, resolution }) {
    if (at === null) return { from: undefined, to: end ?? undefined }
    const margin = resolution === 300 ? 900_000 : 0
    return { from: at - margin, to: at + resolution * 1000 + margin }
  }
  const keyOf = (/** @type {View} */ view) => JSON.stringify([view.run, view.channel, spanOf(view)])

  return {
    node,
    /** @param {View} view @param {() => boolean} wanted @param {boolean} [further] the page after those that are known */
    async ask(view, wanted, further = false) {
      const { channel, run, at } = view
      const key = keyOf(view)
      if (channel === '*') {
        known = { key, casts: [], cursor: null, extended: false }
        return
      }
      // The past does not change; and a list that someone reads is left alone.
      const reading = known.extended || node.matches(':hover, :focus-within')
      if (!further && key === known.key && (at !== null || reading)) return
      const { cursor } = known
      if (further) known.extended = true
      const { from, to } = spanOf(view)
      const page = await orNull(
        api.casts(channel, {
          run,
          from: from && iso(from),
          to: to && iso(to),
          limit: PAGE,
          cursor: further ? (cursor ?? undefined) : undefined,
        }),
      )
      // Another page has come, or another moment is looked at.
      if (!wanted() || (further && (known.key !== key || known.cursor !== cursor))) return
      const items = page?.items ?? []
      known = {
        key,
        casts: further ? [...known.casts, ...items] : items,
        cursor: page?.next ?? null,
        extended: further,
      }
    },
    /** @param {View} view @param {import('./asking.js').Question} question by which they are asked for */
    draw(view, question) {
      stale.draw(question)
      if (known.key !== keyOf(view)) return
      const { channel, at, end, resolution } = view
      const { from, to } = spanOf(view)
      setText(
        about,
        channel === '*'
          ? ''
          : at !== null && from !== undefined && to !== undefined
            ? `${period(from, to)}, newest first; the selected bin is ${period(at, at + resolution * 1000)}`
            : end === null
              ? 'newest first, times in UTC; the list waits while you are in it'
              : `up to ${full(end)}, newest first`,
      )
      const none =
        channel === '*' ? 'Casts are listed by channel: choose one.' : 'No casts are stored for this time.'
      const { casts } = known
      redraw(list, JSON.stringify([casts.map((c) => [c.hash, c.removed, c.text === null]), none]), () =>
        casts.length > 0 ? casts.map(item) : [el('li', { class: 'none' }, none)],
      )
      more.hidden = known.cursor === null
    },
  }
}

const item = (/** @type {Cast} */ cast) =>
  el(
    'li',
    { class: 'cast' },
    el(
      'div',
      { class: 'row muted' },
      el('time', { datetime: cast.time, title: full(Date.parse(cast.time)) }, short(Date.parse(cast.time))),
      el('span', {}, `fid ${integer(cast.fid).replaceAll(',', '')}`),
      el('span', {}, cast.parentHash ? 'reply' : 'post'),
      el('code', { title: plain(cast.hash, 80) }, plain(cast.hash, 10)),
    ),
    cast.text === null
      ? el('p', { class: 'gone' }, cast.removed ? 'Removed by its author.' : 'Text expired.')
      : el('p', { class: 'text', dir: 'auto' }, plain(cast.text, TEXT_CAP)),
    cast.urls.length > 0 &&
      el(
        'p',
        { class: 'urls muted' },
        cast.urls
          .slice(0, URLS)
          .map((url) => plain(url, URL_CAP))
          .join('  ') + (cast.urls.length > URLS ? `  and ${cast.urls.length - URLS} more` : ''),
      ),
  )
