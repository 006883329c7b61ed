// @ts-check
/** How a panel says that what it shows can't be had any newer, how old it is, and why. */
import { contact } from './api.js'
import { el, setText } from './dom.js'
import { plain, second } from './format.js'

export function createStale() {
  const node = el('p', { class: 'stale', hidden: true })
  return {
    node,
    /** @param {import('./asking.js').Question} question the one that the panel shows the answer of */
    draw({ why, answeredAt }) {
      // That nothing at all is answered is said once, above all panels.
      node.hidden = why === '' || contact.downSince !== null
      const what = answeredAt === null ? "Can't be had now" : `As of ${second(answeredAt)}`
      setText(node, node.hidden ? '' : `${what}: ${plain(why, 160)}`)
    },
  }
}
