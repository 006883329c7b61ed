/** Whether run `live` is watched at all, and how far behind those are who do. */
import type { Lag } from '../../api/contracts/ops.ts'
import type { Source } from '../../api/contracts/source.ts'
import { iso, MINUTE } from '../../common/time.ts'
import { LIVE, ROLES } from '../../pipeline/topology.ts'
import { type Client, rolesAtWork } from '../client.ts'
import type { Config } from '../config.ts'
import type { Finding } from './finding.ts'

/** What is behind by more, in seconds, is late; and by more than that, something is wrong. */
export const LATE_SECONDS = 60
const STUCK_SECONDS = 600

type LagRow = Pick<Lag, 'end' | 'records' | 'seconds'>

/** A log in which nothing stands is watched by nobody for good reason. */
export const hasBegun = (lag: readonly LagRow[]): boolean => lag.some(({ end }) => end > 0)

/** The roles of run `live` that some process has. */
export async function rolesOfLive(client: Client, config: Config): Promise<string[]> {
  if (config.kafkaBrokers === undefined) return rolesAtWork(client, LIVE)
  // Kafka's client is loaded where there is Kafka.
  const { membersOf } = await import('./deployment.ts')
  return membersOf(config)
}

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

/** A source whose last round is older, in polling intervals, polls no longer: it waits for its server, or for a clock. */
const OLD_ROUND = 3

type Polls = Pick<Source, 'followed' | 'failing'> & { round: NonNullable<Source['round']> }

/**
 * What the polls of a run came to. `now`: by the clock that dates rounds, ms; null where that is not this machine's.
 * `interval`: from round to round, ms.
 */
export function sourceFinding(
  { round, followed, failing }: Polls,
  now: number | null,
  interval: number,
): Finding {
  const check = 'Source'
  const found = `the round of ${round.at} asked for ${followed} channels: ${round.requests} requests, ${round.failed} failed`
  if (followed === 0)
    return {
      check,
      state: 'broken',
      found,
      mend: 'It follows no channel: check --follow and --min-followers.',
    }
  const at = Date.parse(round.at)
  // The source may have another interval than we: what its round tells of it counts, too.
  const longest = Math.max(interval, Date.parse(round.next ?? round.at) - at)
  if (now !== null && (now - at > OLD_ROUND * longest || at - now > MINUTE))
    return {
      ...{ check, state: 'broken' },
      found: `its last round is of ${round.at}, and it is ${iso(now)}: it does not poll`,
      mend: 'Its log says what it waits for (fcm.log, or what `fcm run source` writes): the MCP server, or the clock.',
    }
  if (round.failed === 0) return { check, state: 'ok', found }
  const mend = `${round.error ?? ''}. \`fcm gaps\` and /v1/ops/source tell of which channels (${failing} failing).`
  return { check, state: round.failed === round.requests ? 'broken' : 'attention', found, mend }
}
