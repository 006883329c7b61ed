/** Whether run `live` is watched at all, and how far behind those are who do. */
import type { Lag } from '../../api/contracts/ops.ts'
import { ROLES } from '../../pipeline/topology.ts'
import type { Finding } from './finding.ts'

/** What is behind by more, in seconds, is late; and by more than that, something is wrong. */
export const LATE_SECONDS = 60
const STUCK_SECONDS = 600

type LagRow = Pick<Lag, 'end' | 'records' | 'seconds'>

/** A log in which nothing stands is watched by nobody for good reason. */
export const hasBegun = (lag: readonly LagRow[]): boolean => lag.some(({ end }) => end > 0)

/** `atWork`: the roles of the run that some process has. */
export function workFinding(atWork: readonly string[], begun: boolean): Finding {
  const check = 'Roles of run live'
  const missing = ROLES.filter((role) => !atWork.includes(role))
  if (missing.length === 0) return { check, state: 'ok', found: 'all are at work' }
  const state = begun ? 'broken' : 'attention'
  if (missing.length === ROLES.length) {
    const found = begun
      ? 'none is at work: nothing is watched'
      : 'none is at work, and nothing was ever watched'
    return { check, state, found, mend: '`fcm start`, or `fcm run` with these roles, goes on from there.' }
  }
  const found = `${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} not at work`
  const mend = `\`fcm run ${missing.join(' ')}\`: on Kafka one more process, else in the one that runs now.`
  return { check, state, found, mend }
}

export function lagFinding(lag: readonly LagRow[]): Finding {
  const check = 'Lag of run live'
  const records = lag.reduce((sum, row) => sum + row.records, 0)
  const oldest = Math.max(0, ...lag.map(({ seconds }) => seconds))
  const found = `${records} records, ${Math.round(oldest)} s`
  if (oldest <= LATE_SECONDS) return { check, state: 'ok', found }
  const mend = '`fcm lag` shows which role is behind.'
  return { check, state: oldest > STUCK_SECONDS ? 'broken' : 'attention', found, mend }
}
