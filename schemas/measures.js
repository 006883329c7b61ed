/**
 * What is counted of a channel: the one table of all measures. Stages, detectors, database, API and pages take what they
 * must know of a measure from its row; a new row is a new measure (`docs/extending.md`). In JavaScript, as pages load it too.
 */

/** What a source speaks of: every event is of exactly one of these. */
export const PARTS = /** @type {const} */ (['posts', 'replies', 'reactions'])
/** @typedef {(typeof PARTS)[number]} Part */

/**
 * @typedef {object} Rule
 * @property {readonly Part[]} of
 *   The parts whose events it counts. It is covered where all of these are.
 * @property {(event: { type: string, text?: string, urls?: readonly string[], quotes?: readonly object[] }) => boolean} [counts]
 *   Which of their events; without it all. Those of reactions have no text, URLs and quotes.
 * @property {true} [distinct]
 *   It counts authors instead, each once in a bin: neither bins nor channels can be added up.
 * @property {number} finest
 *   Seconds of the shortest bin that is judged.
 * @property {number} excess
 *   By how many times the mean the variance of a bin of 5 minutes exceeds it, at least: what onsets allow a small series.
 */

const TABLE = /** @satisfies {Record<string, Rule>} */ ({
  posts: { of: ['posts'], finest: 300, excess: 0.3 },
  replies: { of: ['replies'], finest: 300, excess: 1.5 },
  casts: { of: ['posts', 'replies'], finest: 300, excess: 1 },
  // Mostly driven from outside: by 5 minutes they alarm, and warn of nothing.
  reactions: { of: ['reactions'], finest: 3600, excess: 2 },
  participants: { of: ['posts', 'replies'], distinct: true, finest: 300, excess: 0.7 },
})
/** @typedef {keyof typeof TABLE} Measure */

/** In the order in which they stand in records, and in which a bin's are decided. A name that was given stays. */
export const MEASURES = /** @type {Measure[]} */ (Object.keys(TABLE))
/** In the order in which people see them; a channel is shown by the first that it has. */
export const SHOWN = [/** @type {Measure} */ ('casts'), ...MEASURES.filter((measure) => measure !== 'casts')]
/** Those that can be added up. */
export const SUMMED = MEASURES.filter((measure) => !ruleOf(measure).distinct)

/** @returns {Rule} */
export function ruleOf(/** @type {Measure} */ measure) {
  return TABLE[measure]
}

/** What `of` says of each. @template T @param {(rule: Rule) => T} of @returns {Record<Measure, T>} */
export const byMeasure = (of) =>
  /** @type {Record<Measure, T>} */ (Object.fromEntries(MEASURES.map((m) => [m, of(TABLE[m])])))
