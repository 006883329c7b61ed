/**
 * Looks on as a dashboard does: follows the stream of events of a run, and asks for the overview and the list of alerts
 * whenever something has happened, one at a time. Returns how to end it.
 */
export function look(url: string, run: string): () => void {
  const leaving = new AbortController()
  const { signal } = leaving
  const ask = async () => {
    for (const path of ['overview', 'alerts']) {
      const answer = await fetch(`${url}/v1/${path}?run=${run}&limit=50`, { signal })
      await answer.arrayBuffer()
    }
  }
  const follow = async () => {
    const { body } = await fetch(`${url}/v1/stream?run=${run}`, { signal })
    let isAsking = false
    for await (const _ of body ?? []) {
      if (isAsking) continue
      isAsking = true
      ask()
        .catch(() => {})
        .finally(() => {
          isAsking = false
        })
    }
  }
  // What becomes of the answers is not what is measured; that it was asked is.
  follow().catch(() => {})
  return () => leaving.abort()
}
