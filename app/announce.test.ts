import { expect, test } from 'vitest'
import type { AlertChange } from '../connectors/postgres/alerts/alerts.ts'
import { workerContract } from '../pipeline/runtime/worker.contract.ts'
import { announcer } from './announce.ts'

const FROM = Date.UTC(2026, 0, 5)
type EventChange = AlertChange & { kind: 'event' }

const change = (
  n: number,
  alert: string,
  event: EventChange['event'],
  sequence = 1,
  more: Partial<EventChange['now']> = {},
): EventChange =>
  ({
    ...{ kind: 'event', place: `1.${n}`, alert, event },
    now: {
      ...{ type: 'onset', severity: 'high', channel: 'base', reason: 'many casts', sequence },
      ...{ openedAt: FROM, resolvedAt: event === 'resolved' ? FROM + 60_000 : null, ...more },
    },
  }) as EventChange

const CHANGES = [
  change(1, 'a', 'opened'),
  change(2, 'b', 'opened', 1, { channel: 'art' }),
  change(3, 'a', 'updated', 2),
  change(4, 'a', 'resolved', 3),
]

workerContract('the announcer', async () => {
  const said: string[] = []
  return { worker: announcer(FROM, (line) => void said.push(line)), changes: CHANGES, done: async () => said }
})

test('that an alert opens and that it is resolved is said, each in one line; updates are not', async () => {
  const said: string[] = []
  const { work } = announcer(FROM, (line) => void said.push(line))
  await work([
    ...CHANGES,
    change(5, 'history', 'opened', 1, { openedAt: FROM - 1 }),
    change(6, 'c', 'opened', 1, { channel: 'x\u001b[31m\ny' }),
  ])
  expect(said).toEqual([
    '2026-01-05T00:00:00Z onset (high) in base: many casts',
    '2026-01-05T00:00:00Z onset (high) in art: many casts',
    '2026-01-05T00:01:00Z onset in base is resolved',
    '2026-01-05T00:00:00Z onset (high) in x y: many casts',
  ])
})
