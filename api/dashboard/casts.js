// @ts-check
/** The casts around a moment. Their texts are hostile: text nodes only, capped, with tricks made visible. */
import { byId, el, setText } from './dom.js'
import { full, integer, plain, short } from './format.js'

/** @typedef {import('./api.js').Cast} Cast */

const TEXT_CAP = 500
const URL_CAP = 120
const URLS = 4

export function createCastList() {
  const list = byId('cast-list')
  let drawn = ''
  return {
    /** @param {Cast[]} casts newest first @param {string} about what they are @param {string} none why there are none */
    draw(casts, about, none) {
      setText(byId('casts-sub'), about)
      const signature = JSON.stringify([casts.map((c) => [c.hash, c.removed, c.text === null]), none])
      if (signature === drawn) return
      drawn = signature
      list.replaceChildren(...(casts.length ? casts.map(item) : [el('li', { class: 'none' }, none)]))
    },
  }
}

const item = (/** @type {Cast} */ cast) =>
  el(
    'li',
    {},
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
    cast.urls.length
      ? el(
          'p',
          { class: 'urls muted' },
          cast.urls
            .slice(0, URLS)
            .map((url) => plain(url, URL_CAP))
            .join('  ') + (cast.urls.length > URLS ? `  and ${cast.urls.length - URLS} more` : ''),
        )
      : null,
  )
