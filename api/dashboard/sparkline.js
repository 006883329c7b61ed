// @ts-check
/** A line as high as a row: the course of the last hours. What is not known is hatched, never drawn as zero. */
import { svg } from './dom.js'

const STEP = 2
const HEIGHT = 24
/** Above and below the line, px. */
const ROOM = 2

/**
 * @param {{ slots: number, gaps: boolean, kind: string }} options  `slots`: how many values; `gaps`: whether null was not
 *   covered (hatched), rather than not computed (left empty)
 */
export function createSparkline({ slots, gaps, kind }) {
  const width = slots * STEP
  const holes = svg('path', { class: 'hole', fill: 'url(#hatch)' })
  const rule = svg('path', { class: 'rule' })
  const line = svg('path', { class: 'course' })
  const node = svg(
    'svg',
    {
      class: `spark ${kind}`,
      viewBox: `0 0 ${width} ${HEIGHT}`,
      preserveAspectRatio: 'none',
      'aria-hidden': 'true',
    },
    holes,
    rule,
    line,
  )
  let drawn = ''
  return {
    node,
    /**
     * The newest at the right.
     * @param {(number | null)[]} values @param {number} most the value at the top
     * @param {number | null} level where a reference line stands
     */
    draw(values, most, level) {
      const signature = JSON.stringify([values, most, level])
      if (signature === drawn) return
      drawn = signature
      const y = (/** @type {number} */ value) =>
        (HEIGHT - ROOM - Math.min(1, Math.max(0, value / most)) * (HEIGHT - 2 * ROOM)).toFixed(1)
      const known = values.slice(-slots)
      const offset = slots - known.length
      // What is missing at the ends was never there, or is not known yet.
      const first = known.findIndex((value) => value !== null)
      const last = known.findLastIndex((value) => value !== null)
      let course = ''
      let hatched = ''
      for (const [i, value] of known.entries()) {
        const x = (offset + i) * STEP
        if (value !== null) {
          const alone = known[i - 1] == null
          course += `${alone ? `M${x}` : `L${x + STEP / 2}`} ${y(value)}`
          if (known[i + 1] == null) course += `H${x + STEP}`
        } else if (gaps && i > first && i < last) hatched += `M${x} 0h${STEP}v${HEIGHT}h${-STEP}z`
      }
      line.setAttribute('d', course)
      holes.setAttribute('d', hatched)
      rule.setAttribute('d', level === null || course === '' ? '' : `M0 ${y(level)}H${width}`)
    },
  }
}
