/** Alerts in memory, for tests of what asks for them: one row each, unless a test says otherwise. */
import { HOUR } from '../../../common/time.ts'
import type { Evidence, Subject } from '../../../schemas/records.ts'
import { CHANNEL, HOSTILE, page, rowsOf, SERIES, T0 } from '../rows.fake.ts'
import type { Alert, AlertRow, Alerts } from './alerts.ts'

const subject: Subject = { type: 'series', measure: 'casts', resolution: 300, start: T0 }
const evidence: Evidence = {
  detector: 'early-warning',
  measure: 'casts',
  resolution: 300,
  start: T0,
  count: 31,
  expected: 12.125,
  dispersion: 0.2,
  variance: 2.4,
  autocorrelation: 0.62,
  p: 0.001,
  score: null,
  reason: 'variance 2.4, lag-1 autocorrelation 0.62',
}
export const alert: Alert = {
  id: 'a1',
  run: 'live',
  channel: CHANNEL,
  type: 'early-warning',
  severity: 'medium',
  state: 'resolved',
  openedAt: T0,
  updatedAt: T0 + HOUR,
  resolvedAt: T0 + HOUR,
  subject,
  series: SERIES,
  resolution: 300,
  start: T0,
  sequence: 2,
  reason: HOSTILE,
  outcome: 'back to usual',
  preset: 'indicators',
  settings: '01234567',
  score: 0.875,
  listed: true,
}
export const alertRow: AlertRow = {
  ...{ id: 'a1', sequence: 1, event: 'opened', type: 'early-warning', channel: '=HYPERLINK("x")' },
  subject,
  ...{ severity: 'low', time: T0, openedAt: T0, series: SERIES, resolution: 300, start: T0 },
  ...{ reason: 'a, "b"\r\nc', evidence: [evidence], preset: 'classic', settings: '01234567' },
}

export const fakeAlerts = (given: Partial<Alerts> = {}): Alerts => ({
  list: async () => ({ ...page(alert), beyondCap: 7 }),
  get: async (id) =>
    id !== alert.id
      ? null
      : {
          ...alert,
          evidence: [evidence],
          actions: [],
          events: [{ sequence: 1, event: 'opened', severity: 'low', time: T0, reason: 'why' }],
        },
  changes: async () => [],
  lastPlaces: async () => new Map(),
  checkPlace: async () => {},
  forget: async () => 0,
  open: async () => [{ run: 'live', type: 'onset', severity: 'high', count: 2 }],
  export: () => rowsOf(alertRow),
  ...given,
})
