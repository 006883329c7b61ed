/** The worker that tells alerts on the terminal as they open and are resolved. */
import { oneLine } from '../common/text.ts'
import { iso } from '../common/time.ts'
import type { AlertChange } from '../connectors/postgres/alerts/alerts.ts'
import type { Worker } from '../pipeline/runtime/run-worker.ts'

/** Alerts of which it is remembered how far they were told: a change that comes again is of one of the last. */
const REMEMBERED = 1000

/** Of the alerts that open at `from` (ms, event time) or later. */
export function announcer(
  from: number,
  say: (line: string) => void,
): Worker<AlertChange, AlertChange['place']> {
  const told = new Map<string, number>()
  return {
    name: 'announce',
    // Whoever sits at the terminal wants to know what happens from now on.
    place: async () => undefined,
    async work(changes) {
      for (const change of changes) {
        if (change.kind !== 'event') continue
        const { alert, event, now } = change
        if (now.openedAt < from || (told.get(alert) ?? 0) >= now.sequence) continue
        told.delete(alert)
        told.set(alert, now.sequence)
        if (told.size > REMEMBERED) told.delete(told.keys().next().value!)
        const { type, severity, channel, reason, openedAt, resolvedAt } = now
        if (event === 'opened')
          say(oneLine(`${iso(openedAt)} ${type} (${severity}) in ${channel}: ${reason}`))
        else if (event === 'resolved') say(oneLine(`${iso(resolvedAt!)} ${type} in ${channel} is resolved`))
      }
    },
  }
}
