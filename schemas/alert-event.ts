/**
 * Alert events on the wire, whose unions name their branch, and as TypeScript sees them. Version 1, which was about a
 * series only, is read as what it would be today.
 */
import type {
  AlertEvent,
  EarlyWarningEvidence,
  Evidence,
  Measure,
  PlainEvidence,
  Subject,
} from './records.ts'

/** A value of a union of records: the name of the branch, then its fields. */
type Branch = Record<string, object>

const SUBJECTS: Record<Subject['type'], string> = {
  series: 'fcm.SeriesSubject',
  channel: 'fcm.ChannelSubject',
  cluster: 'fcm.ClusterSubject',
  community: 'fcm.CommunitySubject',
}
const EVIDENCE: Record<Exclude<Evidence, PlainEvidence>['detector'], string> = {
  'early-warning': 'fcm.EarlyWarningEvidence',
  onset: 'fcm.OnsetEvidence',
  collapse: 'fcm.CollapseEvidence',
}
const PLAIN = 'fcm.PlainEvidence'
const VERSION_1 = 'fcm.Evidence'

export type OldEvidence = Omit<EarlyWarningEvidence, 'detector'>
export type WireAlertEvent = Omit<AlertEvent, 'type' | 'subject' | 'evidence'> & {
  measure: Measure | null
  resolution: number | null
  start: number | null
  subject: Branch | null
  evidence: Branch[]
}

export function toWire({ type: _, subject, evidence, ...common }: AlertEvent): WireAlertEvent {
  return {
    ...common,
    ...{ measure: null, resolution: null, start: null },
    subject: { [SUBJECTS[subject.type]]: subject },
    evidence: evidence.map((e) => ({ ['figures' in e ? PLAIN : EVIDENCE[e.detector]]: e })),
  }
}

/** @throws Error where nothing says what it is about */
export function fromWire(wire: WireAlertEvent): AlertEvent {
  const { fingerprint, sequence, event, kind, severity, time, openedAt, reason, preset, settings } = wire
  return {
    ...{ type: 'AlertEvent', fingerprint, sequence, event, kind, severity, time, openedAt },
    subject: subjectOf(wire),
    reason,
    evidence: wire.evidence.map((branch) => evidenceOf(branch, kind)),
    ...{ preset, settings },
  }
}

function subjectOf({ subject, measure, resolution, start }: WireAlertEvent): Subject {
  if (subject) {
    const [[name, fields]] = Object.entries(subject) as [[string, object]]
    return { type: nameIn(SUBJECTS, name), ...fields } as Subject
  }
  if (measure === null || resolution === null || start === null) throw new Error('it has no subject')
  return { type: 'series', measure, resolution, start }
}

function evidenceOf(branch: Branch, kind: string): Evidence {
  const [[name, fields]] = Object.entries(branch) as [[string, object]]
  if (name === VERSION_1) return evidenceOfVersion1(fields as OldEvidence, kind)
  return (name === PLAIN ? { ...fields } : { detector: nameIn(EVIDENCE, name), ...fields }) as Evidence
}

export function evidenceOfVersion1(e: OldEvidence, kind: string): Evidence {
  const { variance, autocorrelation, score: _, reason, ...common } = e
  switch (kind) {
    case 'early-warning':
      return { detector: kind, ...e }
    case 'onset':
      return { detector: kind, ...common, reason }
    case 'collapse':
      return { detector: kind, ...common, variance, autocorrelation, reason }
    default:
      throw new Error(`version 1 has no alerts of kind ${kind}`)
  }
}

/** Which of `names` is named so on the wire. */
const nameIn = <T extends string>(names: Record<T, string>, name: string): T =>
  (Object.keys(names) as T[]).find((one) => names[one] === name)!
