// @ts-check
/** The few means by which the page is drawn. Nothing here, or anywhere, parses HTML: texts are only ever text. */

/** @template {HTMLElement} [T=HTMLElement] @param {string} id @returns {T} */
export const byId = (id) => /** @type {T} */ (document.getElementById(id))

/**
 * An element with attributes and children; a string child is a text node. `class`, `data-*`, `aria-*` and such are
 * attributes, `on*` listeners; null and false leave one out.
 * @param {string} tag
 * @param {Record<string, string | number | boolean | null | ((event: any) => void)>} [attributes]
 * @param {...(Node | string | null)} children
 */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') node.addEventListener(name.slice(2), value)
    else if (value === true) node.setAttribute(name, '')
    else if (value !== null && value !== false) node.setAttribute(name, String(value))
  }
  node.append(...children.filter((child) => child !== null))
  return node
}

/** Writes only what changed, so that selections, focus and screen readers aren't disturbed. */
export function setText(/** @type {Element} */ node, /** @type {string} */ text) {
  if (node.textContent !== text) node.textContent = text
}

/** Closes what stands open over the page at Escape, whose focus goes back to what opened it, and at a press elsewhere. */
export function dismissible(/** @type {HTMLDetailsElement} */ details) {
  document.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || !details.open) return
    if (details.contains(document.activeElement)) details.querySelector('summary')?.focus()
    details.open = false
  })
  document.addEventListener('pointerdown', (event) => {
    if (!details.contains(/** @type {Node} */ (event.target))) details.open = false
  })
}

/**
 * A list whose items keep their elements, and so focus and scroll, across redraws; arrow keys, Home and End move.
 * @template T
 * @param {HTMLElement} list
 * @param {{ key: (item: T) => string, signature: (item: T) => string, content: (item: T) => Node[],
 *   label?: (item: T) => string, select: (item: T) => void }} options
 */
export function keyedList(list, { key, signature, content, label, select }) {
  /** @type {Map<string, { node: HTMLElement, button: HTMLElement, item: T, drawn: string }>} */
  const rows = new Map()
  /** The row that Tab reaches. */
  let reachable = ''

  const buttons = () => /** @type {HTMLElement[]} */ ([...list.querySelectorAll(':scope > li > button')])
  const reach = (/** @type {string} */ id) => {
    reachable = rows.has(id) ? id : (rows.keys().next().value ?? '')
    for (const [each, { button }] of rows) button.tabIndex = each === reachable ? 0 : -1
  }

  list.addEventListener('keydown', (event) => {
    const all = buttons()
    const at = all.indexOf(/** @type {HTMLElement} */ (document.activeElement))
    if (at < 0) return
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key]
    if (to === undefined) return
    event.preventDefault()
    const next = all[Math.max(0, Math.min(all.length - 1, to))]
    next?.focus()
  })

  return {
    /** @param {T[]} items @param {string | null} selected the key of the current item */
    draw(items, selected) {
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
          const button = el('button', { type: 'button', tabindex: -1 })
          const made = { node: el('li', {}, button), button, item, drawn: '' }
          button.addEventListener('click', () => select(made.item))
          button.addEventListener('focus', () => reach(id))
          rows.set(id, made)
          row = made
        }
        row.item = item
        const drawn = signature(item)
        if (row.drawn !== drawn) {
          row.drawn = drawn
          row.button.replaceChildren(...content(item))
          if (label) row.button.setAttribute('aria-label', label(item))
        }
        if (id === selected) row.button.setAttribute('aria-current', 'true')
        else row.button.removeAttribute('aria-current')
        // A node that stands right already is not moved: moving would take its focus.
        if (row.node === before) before = before.nextSibling
        else list.insertBefore(row.node, before)
      }
      reach(rows.has(reachable) ? reachable : (selected ?? ''))
    },
    focus() {
      rows.get(reachable)?.button.focus()
    },
  }
}
