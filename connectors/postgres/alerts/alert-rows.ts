/** Rows of alerts as what they stand for, whichever release wrote them. */
import { evidenceOfVersion1, type OldEvidence } from '../../../schemas/alert-event.ts'
import { type Evidence, type Subject, seriesName } from '../../../schemas/records.ts'
import type { Row } from '../database/database.ts'
import type { Action, Alert } from './alerts.ts'

/** Of events `e`, with the names of run `r` and channel `c`, and why the alert opened; `evidence` and `score` are apart. */
export const COLUMNS = `e.fingerprint, e.sequence, e.event, e.kind, e.severity, e.time, e.opened_at, e.subject, e.measure,
  e.resolution, e.start, e.reason, e.preset, e.settings, r.name AS run_name, c.name AS channel_name, (
    SELECT w.reason FROM alert_events w WHERE w.fingerprint = e.fingerprint ORDER BY w.sequence LIMIT 1) AS why`
export const NAMED = 'JOIN runs r ON r.id = e.run JOIN channels c ON c.id = e.channel'

export function subjectOf(row: Row): Subject {
  if (row.subject) return row.subject as Subject
  return { type: 'series', measure: row.measure, resolution: row.resolution, start: row.start } as Subject
}

/** Fields in the order of the schema: the database keeps another one. */
const FIELDS = [
  ...['detector', 'measure', 'resolution', 'start', 'count', 'expected', 'dispersion', 'variance'],
  ...['autocorrelation', 'p', 'score', 'figures', 'reason'],
]

export const evidenceOf = (row: Row): Evidence[] =>
  (row.evidence as (Evidence | OldEvidence)[]).map((stored) => {
    const e = 'detector' in stored ? stored : evidenceOfVersion1(stored, row.kind as string)
    return Object.fromEntries(
      FIELDS.flatMap((field) => (field in e ? [[field, e[field as keyof Evidence]]] : [])),
    ) as unknown as Evidence
  })

/** An event as what its alert was then. */
export function alertOf(row: Row): Alert {
  const resolved = row.event === 'resolved'
  const subject = subjectOf(row)
  const bin = subject.type === 'series' ? subject : null
  return {
    id: row.fingerprint,
    run: row.run_name,
    channel: row.channel_name,
    type: row.kind,
    severity: row.severity,
    state: resolved ? 'resolved' : 'open',
    openedAt: row.opened_at,
    updatedAt: row.time,
    resolvedAt: resolved ? row.time : null,
    subject,
    series: bin && seriesName(bin.measure, row.channel_name as string),
    resolution: bin?.resolution ?? null,
    start: bin?.start ?? null,
    sequence: row.sequence,
    reason: row.why,
    outcome: resolved ? row.reason : null,
    preset: row.preset,
    settings: row.settings,
    score: row.score,
    listed: row.listed,
  } as Alert
}

export const actionOf = (row: Row): Action =>
  ({
    id: row.action_id,
    alert: row.action_alert,
    action: row.action,
    by: row.by,
    at: row.action_at,
    details: row.details,
  }) as Action
/** Of actions `d`. */
export const ACTION_COLUMNS =
  'd.id AS action_id, d.alert AS action_alert, d.action, d.by, d.at AS action_at, d.details'
