/** Answers that many ask for at once, as every open page does each second: made once, and given to all of them. */

export type Shared = {
  /**
   * What `make` resolves with, or has within the last second for the same run and question. What is being made is shared,
   * too, however long it takes; a failure isn't kept.
   */
  answer<T>(run: string, question: readonly unknown[], make: () => Promise<T>): Promise<T>
  /** Something of this run is new: what was made before is not given any more. */
  renew(run: string): void
}

const AGE_MS = 1000
/** Answers kept at a time: runs times the limits that are asked for. */
const MOST = 200

export function createShared(): Shared {
  /** `at`: since when it is there; null: it is being made. */
  type Kept = { at: number | null; answer: Promise<unknown> }
  const kept = new Map<string, Map<string, Kept>>()
  let size = 0
  const forget = (run: string, question: string): void => {
    const of = kept.get(run)
    if (!of?.delete(question)) return
    size--
    if (of.size === 0) kept.delete(run)
  }
  const drop = (run: string): void => {
    size -= kept.get(run)?.size ?? 0
    kept.delete(run)
  }
  return {
    answer<T>(run: string, question: readonly unknown[], make: () => Promise<T>): Promise<T> {
      const name = JSON.stringify(question)
      const before = kept.get(run)?.get(name)
      if (before && (before.at === null || performance.now() - before.at < AGE_MS))
        return before.answer as Promise<T>
      forget(run, name)
      // The oldest run goes first; where all are of one run, that.
      while (size >= MOST) drop(kept.keys().next().value!)
      const one: Kept = { at: null, answer: make() }
      const of = kept.get(run) ?? new Map<string, Kept>()
      kept.set(run, of.set(name, one))
      size++
      one.answer.then(
        () => {
          one.at = performance.now()
        },
        () => {
          if (kept.get(run)?.get(name) === one) forget(run, name)
        },
      )
      return one.answer as Promise<T>
    },
    renew: drop,
  }
}
