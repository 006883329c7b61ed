/** The search ends when the largest rate is known to this factor. */
const PRECISION = 1.1
const MOST_RATE = 100_000

/**
 * Looks for the largest rate at which `trial` says that it holds: doubles from `from` until it doesn't (or halves until
 * it does), then goes to the middle of the two, in factors. Returns all trials, in order; at rates of 1 to 100,000.
 */
export async function findLargest<Trial extends { holds: boolean }>(
  trial: (rate: number) => Promise<Trial>,
  from: number,
  stop: AbortSignal,
): Promise<Trial[]> {
  const trials: Trial[] = []
  let holds = 0
  let breaks = Number.POSITIVE_INFINITY
  for (let rate = from; !stop.aborted; ) {
    const tried = await trial(rate)
    trials.push(tried)
    if (tried.holds) holds = rate
    else breaks = rate
    if (holds >= MOST_RATE || breaks <= 1 || breaks / holds < PRECISION) break
    if (breaks === Number.POSITIVE_INFINITY) rate = Math.min(MOST_RATE, holds * 2)
    else if (holds === 0) rate = Math.max(1, Math.round(breaks / 2))
    else rate = Math.round(Math.sqrt(holds * breaks))
    if (rate === holds || rate === breaks) break
  }
  return trials
}
