// @ts-check
/** What the server is asked again and again: each question on its own, so that one without an answer holds up no other. */
import { Refused, Unreachable } from './api.js'

/**
 * `name`: what is asked for, as in "can't be had now: ...". `answeredAt`: ms by this machine's clock; null: never yet.
 * `why` it can't be had now, empty while it can; `refused`: why the server won't give it. `ask`: at once, or when the
 * answer that is being waited for has come; `afresh`: that one is of something else, and not waited for.
 * @typedef {{ name: string, answeredAt: number | null, askedAt: number, why: string, refused: string,
 *   ask: (afresh?: boolean) => void, forget: () => void }} Question
 */

/** Of what is not known yet, or needs no other answer than the last. */
export const NOT_ASKED = Symbol('not asked')

/**
 * @param {string} name
 * @param {() => Promise<unknown>} work asks, and keeps the answer, if that is still wanted then; NOT_ASKED: nothing to ask
 * @param {() => void} onChange it was answered, or not
 * @returns {Question}
 */
export function createQuestion(name, work, onChange) {
  const nothing = () => ({ answeredAt: null, askedAt: 0, why: '', refused: '' })
  let asking = false
  let again = false
  /** Of the last that was begun. */
  let turn = 0

  async function put() {
    const mine = ++turn
    do {
      again = false
      question.askedAt = Date.now()
      const news = await outcome(work)
      // Something else was asked for meanwhile.
      if (mine !== turn) return
      Object.assign(question, news)
      onChange()
    } while (again)
    asking = false
  }

  /** @type {Question} */
  const question = {
    name,
    ...nothing(),
    ask(afresh = false) {
      again = asking && !afresh
      if (again) return
      if (afresh) question.refused = ''
      asking = true
      void put()
    },
    /** What was learned is of something else. */
    forget() {
      turn++
      asking = false
      Object.assign(question, nothing())
    },
  }
  return question
}

async function outcome(/** @type {() => Promise<unknown>} */ work) {
  try {
    if ((await work()) === NOT_ASKED) return {}
    return { why: '', refused: '', answeredAt: Date.now() }
  } catch (error) {
    if (error instanceof Refused) return { why: '', refused: error.message, answeredAt: Date.now() }
    if (error instanceof Unreachable) return { why: error.message, refused: '' }
    throw error
  }
}
