/** Who uses the connections next: what is urgent goes before all else that waits, so that nothing else delays an alert. */
import type { Database } from './database.ts'

export type Urgency = 'urgent' | 'usual'
export type Turns = <T>(urgency: Urgency, work: () => Promise<T>) => Promise<T>

/**
 * At most `slots` things at a time, each kind in the order in which it came. Of several slots one is kept for what is
 * urgent; where there is one, that waits for what is under way.
 */
export function createTurns(slots: number): Turns {
  const waiting: Record<Urgency, (() => void)[]> = { urgent: [], usual: [] }
  const kept = slots > 1 ? 1 : 0
  let free = slots

  function next(): void {
    const begin =
      free > 0 ? (waiting.urgent.shift() ?? (free > kept ? waiting.usual.shift() : undefined)) : undefined
    if (!begin) return
    free--
    begin()
  }

  return async (urgency, work) => {
    const turn = new Promise<void>((begin) => waiting[urgency].push(begin))
    next()
    await turn
    try {
      return await work()
    } finally {
      free++
      next()
    }
  }
}

/** The database, as far as these turns allow. */
export const inTurns = (db: Database, turns: Turns, urgency: Urgency): Database => ({
  query: (...statement) => turns(urgency, () => db.query(...statement)),
  transaction: (...work) => turns(urgency, () => db.transaction(...work)),
  withClient: (work) => turns(urgency, () => db.withClient(work)),
  close: db.close,
})
