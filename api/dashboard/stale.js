// @ts-check
/** How a panel says that what it shows can't be had any newer, how old it is, and why. */
import { contact } from './api.js'
import { el, setText } from './dom.js'
import { plain, second } from './format.js'

export function createStale() {
  const node = el('p', { class: 'stale', hidden: true })
  return {
    node,
    /**
     * @param {import('./asking.js').Question} question the one that the panel shows the answer of
     * @param {boolean} [refusals] whether the panel is where a refusal is said
     */
    draw({ why, refused, answeredAt }, refusals = false) {
      const no = refusals && refused !== '' ? refused : ''
      // That nothing at all is answered is said once, above all panels.
      node.hidden = (why === '' && no === '') || contact.downSince !== null
      const what = no
        ? "This can't be shown"
        : answeredAt === null
          ? "Can't be had now"
          : `As of ${second(answeredAt)}`
      setText(node, node.hidden ? '' : `${what}: ${plain(no || why, 160)}`)
    },
  }
}
