// @ts-check
/** The few means by which the page is drawn. Nothing here, or anywhere, parses HTML: texts are only ever text. */

/** @template {HTMLElement} [T=HTMLElement] @param {string} id @returns {T} */
export const byId = (id) => /** @type {T} */ (document.getElementById(id))

/** @typedef {Record<string, string | number | boolean | null | undefined | ((event: any) => void)>} Attributes */
/** @typedef {(Node | string | null | false)} Child */

/** @template {Element} T @param {T} node @param {Attributes} attributes @param {Child[]} children @returns {T} */
function fit(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') node.addEventListener(name.slice(2), value)
    else if (value === true) node.setAttribute(name, '')
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, String(value))
  }
  node.append(...children.filter((child) => child !== null && child !== false))
  return node
}

/**
 * An element with attributes and children; a string child is a text node. `class`, `data-*`, `aria-*` and such are
 * attributes, `on*` listeners; null, undefined and false leave one out.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag @param {Attributes} [attributes] @param {...Child} children
 */
export const el = (tag, attributes = {}, ...children) =>
  fit(document.createElement(tag), attributes, children)

/** @param {string} tag @param {Attributes} [attributes] @param {...Child} children */
export const svg = (tag, attributes = {}, ...children) =>
  fit(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children)

/** Writes only what changed, so that selections, focus and screen readers aren't disturbed. */
export function setText(/** @type {Element} */ node, /** @type {string} */ text) {
  if (node.textContent !== text) node.textContent = text
}
export function setClass(/** @type {Element} */ node, /** @type {string} */ name) {
  if (node.getAttribute('class') !== name) node.setAttribute('class', name)
}
/**
 * Replaces the children only when `signature`, which says all that they show, is another than the last time. Who has the
 * focus in there keeps it, at the same link or else the same place; what someone marks there stays until it is let go.
 */
export function redraw(
  /** @type {Element} */ node,
  /** @type {string} */ signature,
  /** @type {() => Child[]} */ children,
) {
  const selection = getSelection()
  if (
    signatures.get(node) === signature ||
    (selection?.isCollapsed === false && node.contains(selection.anchorNode))
  )
    return
  signatures.set(node, signature)
  const focusable = () => /** @type {HTMLElement[]} */ ([...node.querySelectorAll('a, button, [tabindex]')])
  const before = focusable()
  const place = before.indexOf(/** @type {HTMLElement} */ (document.activeElement))
  const href = before[place]?.getAttribute('href') ?? null
  node.replaceChildren(...children().filter((child) => child !== null && child !== false))
  if (place < 0) return
  const after = focusable()
  const same = after.find((each) => href !== null && each.getAttribute('href') === href)
  ;(same ?? after[place])?.focus({ preventScroll: true })
}
/** @type {WeakMap<Element, string>} */
let signatures = new WeakMap()
/** What is drawn next is drawn, though it says the same: it says it otherwise. */
export const forgetDrawn = () => {
  signatures = new WeakMap()
}

/** Changes the choices only when they are others. @param {HTMLSelectElement} select @param {string[][]} choices value, label */
export function offer(select, choices) {
  if (choices.map(([value]) => value).join() === [...select.options].map((o) => o.value).join()) return
  const { value: chosen } = select
  select.replaceChildren(...choices.map(([value, label]) => el('option', { value }, label)))
  select.value = chosen
}

/**
 * Radio buttons side by side.
 * @template {string} V
 * @param {string} legend @param {[V, string][]} choices value, label @param {(value: V) => void} onChoose
 */
export function segments(legend, choices, onChoose) {
  const name = `segments-${legend.replaceAll(/\W+/g, '-').toLowerCase()}-${++made}`
  const inputs = choices.map(([value]) =>
    el('input', { type: 'radio', name, value, onchange: () => onChoose(value) }),
  )
  const node = el(
    'fieldset',
    { class: 'segments' },
    el('legend', { class: 'sr' }, legend),
    ...choices.map(([, label], i) => el('label', {}, inputs[i], el('span', {}, label))),
  )
  return {
    node,
    /** @param {V} chosen @param {(value: V) => boolean} [can] @param {string} [why] what can't be chosen can't */
    draw(chosen, can = () => true, why = '') {
      for (const input of inputs) {
        input.checked = input.value === chosen
        input.disabled = !can(/** @type {V} */ (input.value))
        input.title = input.disabled ? why : ''
      }
    },
  }
}
let made = 0

/**
 * A list whose items keep their elements, and so focus and scroll, across redraws. Tab reaches one item, the last that
 * had the focus, and from it the other links in it; arrow keys, Home and End move on from there.
 * @template T
 * @param {HTMLElement} list
 * @param {{ key: (item: T) => string,
 *   make: (item: T) => { node: HTMLElement, focus: HTMLElement, update: (item: T) => void } }} options
 *   `focus`: what takes the focus in `node`
 */
export function keyedList(list, { key, make }) {
  /** @type {Map<string, ReturnType<typeof make>>} */
  const rows = new Map()
  /** The row that Tab reaches. */
  let reachable = ''
  const reach = (/** @type {string} */ id) => {
    reachable = rows.has(id) ? id : (list.firstElementChild?.getAttribute('data-key') ?? '')
    for (const [each, { focus, node }] of rows) {
      const index = each === reachable ? 0 : -1
      for (const link of /** @type {HTMLElement[]} */ ([focus, ...node.querySelectorAll('a')])) {
        if (link.tabIndex !== index) link.tabIndex = index
      }
    }
  }
  /** Of the item that has the focus, or has in it what has. */
  const placeIn = (/** @type {HTMLElement[]} */ all) => {
    const row = [...rows.values()].find(({ node }) => node.contains(document.activeElement))
    return row ? all.indexOf(row.focus) : -1
  }
  const inOrder = () =>
    [...list.children].flatMap((node) => rows.get(node.getAttribute('data-key') ?? '')?.focus ?? [])
  list.addEventListener('keydown', (event) => {
    const all = inOrder()
    const at = placeIn(all)
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key]
    if (at < 0 || to === undefined) return
    event.preventDefault()
    all[Math.max(0, Math.min(all.length - 1, to))]?.focus()
  })

  return {
    draw(/** @type {T[]} */ items) {
      const active = /** @type {HTMLElement} */ (document.activeElement)
      const place = placeIn(inOrder())
      const wanted = new Set(items.map(key))
      for (const [id, { node }] of rows) {
        if (wanted.has(id)) continue
        node.remove()
        rows.delete(id)
      }
      /** @type {Node | null} */
      let before = list.firstChild
      for (const item of items) {
        const id = key(item)
        let row = rows.get(id)
        if (!row) {
          row = make(item)
          row.node.setAttribute('data-key', id)
          row.node.addEventListener('focusin', () => reach(id))
          rows.set(id, row)
        }
        row.update(item)
        // A node that stands right already is not moved: moving would take its focus.
        if (row.node === before) before = before.nextSibling
        else list.insertBefore(row.node, before)
      }
      reach(reachable)
      // Who was on a row that moved stays on it; on one that went, comes to the row in its place.
      const now = inOrder()
      if (place < 0 || placeIn(now) >= 0) return
      ;(active.isConnected ? active : now[Math.min(place, now.length - 1)])?.focus({ preventScroll: true })
    },
    inOrder,
    focus: (/** @type {string} */ id) => rows.get(id)?.focus.focus(),
  }
}

/**
 * A table with a head; `cell` makes a row's cell in column `i`.
 * @template C
 * @param {readonly string[]} columns @param {C[][]} rows @param {(cell: C, i: number) => HTMLElement} cell
 */
export const tableOf = (columns, rows, cell) =>
  el(
    'table',
    { class: 'padded' },
    el('thead', {}, el('tr', {}, ...columns.map((name) => el('th', { scope: 'col' }, name)))),
    el('tbody', {}, ...rows.map((cells) => el('tr', {}, ...cells.map(cell)))),
  )
