// @ts-check
/** The page by keyboard. `?` shows what there is. */
import { byId, el } from './dom.js'

/** @typedef {{ next: () => void, previous: () => void, back: () => void, search: () => void,
 *   page: (name: import('./route.js').PageName) => void, theme: () => void, digits: () => void }} Commands */

/** How long `g` waits for the page's letter, ms. */
const CHORD_MS = 1500

const HELP = [
  ['j k', 'next, previous: alert, or channel'],
  ['Enter', 'open it'],
  ['Esc', 'back'],
  ['1 2 3 4', 'Overview, Channel, Alert, Operations; or g and o, c, a, p'],
  ['/', 'search channels'],
  ['t', 'light or dark'],
  ['x', 'all digits of numbers, or as few as are worth reading'],
  ['?', 'these keys'],
]

/** @param {Commands} commands */
export function bindKeys(commands) {
  const help = /** @type {HTMLDialogElement} */ (byId('keys'))
  help.append(
    el('h2', { id: 'keys-heading' }, 'Keys'),
    el(
      'dl',
      {},
      ...HELP.flatMap(([keys, what]) => [
        el('dt', {}, ...keys.split(' ').map((key) => el('kbd', {}, key))),
        el('dd', {}, what),
      ]),
    ),
    el('form', { method: 'dialog' }, el('button', { class: 'button' }, 'Close')),
  )
  const showHelp = () => help.showModal()
  byId('keys-button').addEventListener('click', showHelp)
  help.addEventListener('click', (event) => {
    if (event.target === help) help.close()
  })

  /** @type {Record<string, () => void>} */
  const single = {
    j: commands.next,
    k: commands.previous,
    '/': commands.search,
    '?': showHelp,
    t: commands.theme,
    x: commands.digits,
    1: () => commands.page('overview'),
    2: () => commands.page('channel'),
    3: () => commands.page('alert'),
    4: () => commands.page('ops'),
    Escape: commands.back,
  }
  /** @type {Record<string, () => void>} */
  const chord = { o: single[1], c: single[2], a: single[3], p: single[4] }
  let pressedG = Number.NEGATIVE_INFINITY
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || help.open) return
    const target = /** @type {HTMLElement} */ (event.target)
    if (target.matches('select, input:not([type=radio], [type=checkbox], [type=range])')) return
    const chorded = event.timeStamp - pressedG < CHORD_MS
    pressedG = event.key === 'g' ? event.timeStamp : Number.NEGATIVE_INFINITY
    const command = (chorded && chord[event.key]) || single[event.key]
    if (!command) return
    event.preventDefault()
    command()
  })
}
