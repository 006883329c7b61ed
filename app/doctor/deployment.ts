/** The engines of a deployment on Kafka, each looked at by itself, so that each that is away is named. */
import { createDatabase } from '../../connectors/postgres/database/database.ts'
import { pendingMigrations } from '../../connectors/postgres/database/migrate.ts'
import type { KafkaOptions } from '../../pipeline/log/kafka/client.ts'
import { inspectKafka, type TopicFinding } from '../../pipeline/log/kafka/inspect.ts'
import { groupOf, LIVE, ROLES, topicOf, topicSpecs } from '../../pipeline/topology.ts'
import { createCodec, RECORD_TYPES } from '../../schemas/codec.ts'
import { type ConfluentOptions, openConfluentRegistry } from '../../schemas/confluent-registry.ts'
import type { Config } from '../config.ts'
import { kafkaOf } from '../kafka.ts'
import { examine, type Finding } from './finding.ts'

/** Clocks further apart than this make lag and latency untrue, ms. */
const APART = 5000
const MIGRATE = '`fcm migrate` does it.'

/** @throws FcmError OPTION_INVALID for a setting that is missing */
export async function examineDeployment(config: Config): Promise<Finding[]> {
  const { kafka, registry, url } = kafkaOf(config)
  const found = await Promise.all([
    examine('Kafka', () => broker(kafka)),
    examine('Schema registry', () => schemas(registry)),
    examine('Database', () => database(url)),
  ])
  return found.flat()
}

/** The roles of run `live` that some process has, by the members of their groups. */
export async function membersOf(config: Config): Promise<string[]> {
  const inspection = inspectKafka(kafkaOf(config).kafka)
  try {
    const members = await inspection.members(ROLES.map((role) => groupOf(LIVE, role)))
    return ROLES.filter((role) => (members.get(groupOf(LIVE, role)) ?? 0) > 0)
  } finally {
    await inspection.close()
  }
}

async function broker(options: KafkaOptions): Promise<Finding[]> {
  const inspection = inspectKafka(options)
  try {
    const { brokers, generation } = await inspection.cluster()
    const found = `${generation}, ${brokers} ${brokers === 1 ? 'broker' : 'brokers'}`
    // How many partitions they have is no matter of settings: they are there.
    const topics = await inspection.topics(topicSpecs(LIVE, 1))
    return [
      { check: 'Kafka', state: 'ok', found },
      ...topicFindings(topics, options.brokers),
      ...(await clock(topics, inspection.clockAhead)),
    ]
  } finally {
    await inspection.close()
  }
}

export function topicFindings(topics: TopicFinding[], brokers: string[]): Finding[] {
  const check = 'Topics'
  const missing = topics.filter(({ partitions }) => partitions === null)
  if (missing.length > 0) {
    const found = `run ${LIVE} has no ${missing.map(({ name }) => name).join(', ')}`
    return [{ check, state: 'broken', found, mend: '`fcm migrate` makes what is missing.' }]
  }
  const findings: Finding[] = []
  const undivided = new Set(topicSpecs(LIVE, 2).flatMap((spec) => (spec.partitions === 1 ? spec.name : [])))
  const divided = topics.filter(({ name }) => !undivided.has(name))
  const most = Math.max(...divided.map(({ partitions }) => partitions!))
  const fewer = divided.filter(({ partitions }) => partitions !== most)
  for (const { name, partitions } of topics) {
    if (!undivided.has(name) || partitions === 1) continue
    findings.push({
      ...{ check, state: 'broken' },
      found: `${name} has ${partitions} partitions, and must have 1: what it holds is added up by one`,
      mend: `Where it is empty: kafka-topics.sh --bootstrap-server ${brokers} --delete --topic ${name}, then \`fcm migrate\`. Else begin anew, in topics that it has made.`,
    })
  }
  if (fewer.length > 0)
    findings.push({
      ...{ check, state: 'broken' },
      found: `${fewer.map(({ name, partitions }) => `${name} has ${partitions} partitions`).join(', ')}, others have ${most}`,
      mend: `Where they are empty: kafka-topics.sh --bootstrap-server ${brokers} --alter --topic NAME --partitions ${most}. Else channels would change places: begin anew, in topics that \`fcm migrate\` has made.`,
    })
  for (const { name, differing } of topics) {
    if (differing.length === 0) continue
    const wanted = differing.map(({ setting, wanted }) => `${setting}=${wanted}`)
    findings.push({
      ...{ check, state: 'attention' },
      found: `${name} has ${differing.map(({ setting, found }) => `${setting}=${found}`).join(', ')}`,
      mend: `It should have ${wanted.join(', ')}: kafka-configs.sh --bootstrap-server ${brokers} --alter --entity-type topics --entity-name ${name} --add-config ${wanted.join(',')}`,
    })
  }
  const found = `those of run ${LIVE} are there, with ${most} partitions each`
  return findings.length > 0 ? findings : [{ check, state: 'ok', found }]
}

async function clock(
  topics: TopicFinding[],
  clockAhead: (topic: string) => Promise<number>,
): Promise<Finding[]> {
  const topic = topicOf(LIVE, 'checkpoints')
  if (!topics.some(({ name, partitions }) => name === topic && partitions !== null)) return []
  return [clockFinding(await clockAhead(topic))]
}

/** `ahead`: the broker's clock less ours, ms. */
export function clockFinding(ahead: number): Finding {
  const check = 'Clock'
  if (Math.abs(ahead) <= APART) return { check, state: 'ok', found: "that of the brokers is this machine's" }
  const seconds = Math.round(Math.abs(ahead) / 1000)
  return {
    ...{ check, state: 'attention' },
    found: `that of the brokers is ${seconds} s ${ahead > 0 ? 'ahead of' : 'behind'} this machine's`,
    mend: 'Let both keep time by NTP: lag and latency in seconds are wrong by as much.',
  }
}

type Registry = Omit<ConfluentOptions, 'mayRegister'>

export async function schemas(registry: Registry): Promise<Finding[]> {
  const check = 'Schema registry'
  await createCodec(openConfluentRegistry({ ...registry, mayRegister: false }))
  const lenient: string[] = []
  const general = compatibility(registry, '')
  await Promise.all(
    RECORD_TYPES.map(async (type) => {
      const subject = `fcm.${type}`
      const level = (await compatibility(registry, `/${subject}`)) ?? (await general)
      if (level !== 'BACKWARD') lenient.push(`${subject} (${level ?? 'none'})`)
    }),
  )
  if (lenient.length === 0)
    return [{ check, state: 'ok', found: `it has all ${RECORD_TYPES.length} schemas, BACKWARD` }]
  return [
    {
      ...{ check, state: 'attention' },
      found: `the compatibility of ${lenient.sort().join(', ')} is not BACKWARD`,
      mend: `A schema that readers can't read could come in. For each: curl -X PUT -H 'content-type: application/json' -d '{"compatibility":"BACKWARD"}' ${registry.url}/config/SUBJECT`,
    },
  ]
}

/** Null: the registry has none of its own for it. */
async function compatibility({ url, auth }: Registry, of: string): Promise<string | null> {
  const basic = auth && Buffer.from(`${auth.username}:${auth.password}`).toString('base64')
  const answer = await fetch(
    `${url}/config${of}`,
    basic ? { headers: { authorization: `Basic ${basic}` } } : {},
  )
  if (!answer.ok) return null
  const { compatibilityLevel } = (await answer.json()) as { compatibilityLevel?: string }
  return compatibilityLevel ?? null
}

async function database(url: string | undefined): Promise<Finding[]> {
  const check = 'Database'
  if (url === undefined) {
    const found = 'none is named: count, sum, detect and source need none, store, api and most commands do'
    return [{ check, state: 'attention', found, mend: 'Set DATABASE_URL where those run.' }]
  }
  const db = createDatabase({ connectionString: url, max: 1 })
  try {
    const pending = await pendingMigrations(db)
    if (pending.length === 0)
      return [{ check, state: 'ok', found: 'it answers, and its tables are up to date' }]
    return [{ check, state: 'broken', found: `its tables lack ${pending.join(', ')}`, mend: MIGRATE }]
  } finally {
    await db.close()
  }
}
