/** Tells alerts of run `live` on the terminal as they open and end. */

import { oneLine } from '../common/text.ts'
import { iso } from '../common/time.ts'
import type { Store } from '../connectors/postgres/store.ts'
import { LIVE } from '../pipeline/topology.ts'

const EVERY_MS = 1000
const LATEST = 20

/** Those that opened at `from` (ms, event time) or later. Returns how to end it. */
export function announceAlerts(store: Store, from: number, say: (line: string) => void): () => void {
  const told = new Map<string, string>()
  let timer: NodeJS.Timeout | undefined
  let isOver = false
  const look = async () => {
    const { items } = await store.alerts.list(LIVE, { from }, { limit: LATEST })
    for (const { id, state, openedAt, resolvedAt, type, severity, channel, reason } of items.reverse()) {
      if (told.get(id) === state) continue
      if (state === 'open') say(oneLine(`${iso(openedAt)}  ${type} (${severity}) in ${channel}: ${reason}`))
      else if (told.has(id)) say(oneLine(`${iso(resolvedAt!)}  ${type} in ${channel} has ended`))
      told.set(id, state)
    }
  }
  const again = () => {
    if (isOver) return
    timer = setTimeout(() => {
      // What is in the way of the store is told by the roles that write to it.
      look()
        .catch(() => {})
        .finally(again)
    }, EVERY_MS)
  }
  again()
  return () => {
    isOver = true
    clearTimeout(timer)
  }
}
