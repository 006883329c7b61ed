/** Every setting: its flag, its environment variable, its range and default, in one table. */
import { isIP } from 'node:net'
import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'
import { FcmError } from '../common/errors.ts'
import { BACKENDS } from '../models/cnn-lstm/scorer.ts'
import { PRESETS } from '../pipeline/stages/detect/settings.ts'

/** What holds passwords of ours is not passed on. */
const PASSED_ON = '(?!DATABASE_URL|SCHEMA_REGISTRY_URL|KAFKA_)[A-Za-z_]\\w*'

/** Of IP addresses, one or a range as CIDR writes it. Not of all: who trusts everybody lets everybody say who it is. */
function isRange(text: string): boolean {
  const [, address = '', bits] = /^([^/%]+)(?:\/([1-9]\d{0,2}))?$/.exec(text) ?? []
  const version = isIP(address)
  return version !== 0 && Number(bits ?? 1) <= (version === 4 ? 32 : 128)
}

const setting = { additionalProperties: false }

export const Settings = Type.Object(
  {
    dataDir: Type.String({
      default: './data',
      minLength: 1,
      flag: '--data-dir <dir>',
      env: 'FCM_DATA_DIR',
      description: 'where the event log, the database and the schemas are kept',
    }),
    databaseUrl: Type.Optional(
      Type.String({
        pattern: '^postgres(ql)?://',
        env: 'DATABASE_URL',
        description:
          'the PostgreSQL server to use, as postgres://user:password@host:port/database (default: an embedded one)',
      }),
    ),
    kafkaBrokers: Type.Optional(
      Type.String({
        pattern: '^[^\\s,/]+:\\d+(,[^\\s,/]+:\\d+)*$',
        env: 'KAFKA_BROKERS',
        description:
          'the Kafka cluster that keeps the event log, as host:port of some of its brokers, with commas (default: an embedded log)',
      }),
    ),
    kafkaTls: Type.Boolean({
      default: false,
      env: 'KAFKA_TLS',
      description: 'whether the brokers are spoken to by TLS: true or false',
    }),
    kafkaPlainInClear: Type.Boolean({
      default: false,
      env: 'KAFKA_PLAIN_IN_CLEAR',
      description:
        'whether a password may go to the brokers in clear, by the mechanism plain without TLS: true or false',
    }),
    kafkaUser: Type.Optional(
      Type.String({
        pattern: '^(plain|scram-sha-256|scram-sha-512):[^:]+:.+$',
        env: 'KAFKA_USER',
        description:
          'who the brokers are told that this is, as mechanism:user:password; mechanisms: plain, scram-sha-256 and scram-sha-512',
      }),
    ),
    kafkaSessionSeconds: Type.Integer({
      default: 30,
      minimum: 6,
      maximum: 300,
      env: 'KAFKA_SESSION_SECONDS',
      description:
        'the seconds of silence after which a process is taken for dead, and its partitions go to others',
    }),
    schemaRegistryUrl: Type.Optional(
      Type.String({
        pattern: '^https?://[^\\s/]+',
        env: 'SCHEMA_REGISTRY_URL',
        description: 'the schema registry of the Kafka cluster, with user:password@ where it asks for one',
      }),
    ),
    host: Type.String({
      default: '127.0.0.1',
      env: 'FCM_HOST',
      description: 'the address that the API listens on',
    }),
    allowedHosts: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z\\d.-]{1,253}(,[A-Za-z\\d.-]{1,253})*$',
        env: 'FCM_ALLOWED_HOSTS',
        description:
          'the names, with commas and without ports, that it is called by beside loopback and FCM_HOST, such as that of a proxy before it',
      }),
    ),
    trustedProxies: Type.Optional(
      Type.Refine(
        Type.String({
          env: 'FCM_TRUSTED_PROXIES',
          description:
            'the addresses of the proxies before it, with commas, also as ranges (10.0.0.0/8), whose X-Forwarded-For says which client asks (default: none)',
        }),
        (text) => text.split(',').every(isRange),
        () => 'must be addresses or ranges of them, with commas, such as 10.0.0.1,fd00::/64',
      ),
    ),
    anyone: Type.Optional(
      Type.String({
        pattern: '^(read|ops)(,(read|ops))*$',
        env: 'FCM_ANYONE',
        description:
          'what anyone may do who is not on this machine: read, ops, or both with a comma (default: nothing)',
      }),
    ),
    port: Type.Integer({
      default: 8080,
      minimum: 0,
      maximum: 65535,
      flag: '--port <port>',
      env: 'FCM_PORT',
      description: 'the port of the API and the dashboard; 0: any free one',
    }),
    metricsPort: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 65535,
        env: 'FCM_METRICS_PORT',
        description:
          'the port of /healthz, /readyz and /metrics where `fcm run` has no role api, which has them; 0: any free one (default: none)',
      }),
    ),
    partitions: Type.Integer({
      default: 2,
      minimum: 1,
      maximum: 256,
      flag: '--partitions <n>',
      env: 'FCM_PARTITIONS',
      description: 'how many partitions the topics of a new run have',
    }),
    batchSize: Type.Integer({
      default: 2000,
      minimum: 1,
      maximum: 10000,
      flag: '--batch-size <n>',
      env: 'FCM_BATCH_SIZE',
      description: 'how many records a stage takes at once, at most',
    }),
    checkpointSeconds: Type.Number({
      default: 60,
      minimum: 0,
      maximum: 3600,
      env: 'FCM_CHECKPOINT_SECONDS',
      description: "the shortest time between two checkpoints of a stage's partition",
    }),
    preset: Type.Enum([...PRESETS], {
      default: 'calibrated',
      flag: '--preset <name>',
      env: 'FCM_PRESET',
      description: 'the rule for early warnings: calibrated (CNN-LSTM and indicators) or classic',
    }),
    scorer: Type.Enum([...BACKENDS], {
      default: 'wasm',
      flag: '--scorer <name>',
      env: 'FCM_SCORER',
      description: 'what computes the score: wasm (the same bits everywhere), typescript or tfjs-node',
    }),
    alertsPerDay: Type.Integer({
      default: 20,
      minimum: 0,
      maximum: 100000,
      env: 'FCM_ALERTS_PER_DAY',
      description: 'the most alerts of a type that are listed for a day, the strongest first; 0: all',
    }),
    mcp: Type.Optional(
      Type.String({
        minLength: 1,
        flag: '--mcp <url|command>',
        env: 'FCM_MCP',
        description:
          'the Farcaster MCP server to poll: its URL, or the command that starts it (default: ours, over a simulated hub)',
      }),
    ),
    mcpEnv: Type.String({
      default: '',
      pattern: `^(${PASSED_ON}(,${PASSED_ON})*)?$`,
      env: 'FCM_MCP_ENV',
      description:
        'the names, with commas, of variables that the command of --mcp gets from this environment beside PATH and its like; never DATABASE_URL, SCHEMA_REGISTRY_URL or those of Kafka',
    }),
    source: Type.Optional(
      Type.String({
        pattern: '^[a-z][a-z0-9-]*$',
        maxLength: 64,
        env: 'FCM_SOURCE',
        description:
          'what run live is watched through, by its name: server, simulation, or what was added to them (default: server where FCM_MCP is set)',
      }),
    ),
    follow: Type.String({
      default: '*',
      minLength: 1,
      flag: '--follow <channels>',
      env: 'FCM_FOLLOW',
      description:
        'which channels are polled: URLs and ids, separated by commas; in ids * stands for anything',
    }),
    minFollowers: Type.Integer({
      default: 0,
      minimum: 0,
      flag: '--min-followers <n>',
      env: 'FCM_MIN_FOLLOWERS',
      description: 'of the channels that are followed by id, only those with so many followers',
    }),
    pollSeconds: Type.Integer({
      default: 300,
      minimum: 60,
      maximum: 604800,
      flag: '--poll-seconds <n>',
      env: 'FCM_POLL_SECONDS',
      description: 'the seconds from one round of polls to the next',
    }),
    requestsPerMinute: Type.Integer({
      default: 300,
      minimum: 30,
      maximum: 60000,
      flag: '--requests-per-minute <n>',
      env: 'FCM_REQUESTS_PER_MINUTE',
      description: 'the budget: the most tool calls that polling makes',
    }),
    textDays: Type.Integer({
      default: 14,
      minimum: 1,
      maximum: 3650,
      env: 'FCM_TEXT_DAYS',
      description: 'the days after which the text of a stored cast is blanked',
    }),
    logLevel: Type.Enum(['debug', 'info', 'warn', 'error', 'silent'], {
      default: 'info',
      env: 'FCM_LOG_LEVEL',
      description: 'how much the structured log tells',
    }),
  },
  setting,
)
export type Config = Static<typeof Settings>

type Setting = {
  type?: string
  flag?: string
  env: string
  description: string
  default?: unknown
  enum?: unknown[]
  minimum?: number
}
export const settings = Object.entries(Settings.properties) as unknown as [keyof Config, Setting][]

/** What says where casts come from, and how they are asked for. */
export const SOURCE_SETTINGS = ['mcp', 'follow', 'minFollowers', 'pollSeconds', 'requestsPerMinute'] as const

/** What they hold may be a password. */
const SECRET = new Set<keyof Config>(['databaseUrl', 'kafkaUser', 'schemaRegistryUrl'])

/** In decimals, as people write them: no 0x10, 1e3 or space, which are slips. */
export const DECIMAL = /^-?\d+(\.\d+)?$/

/**
 * A number where the text is one as people write it, so that 1.9 is no 1 and `true` is none at all; true or false where it
 * says so; else the text.
 */
function valueIn(text: string, type: string | undefined): unknown {
  if (type === 'boolean') return text === 'true' ? true : text === 'false' ? false : text
  return (type === 'integer' || type === 'number') && DECIMAL.test(text) ? Number(text) : text
}

/** An IPv6 address may stand in brackets, as it does in URLs. */
const unbracketed = (config: Config): Config => ({ ...config, host: config.host.replace(/^\[(.*)\]$/, '$1') })

/** Flags before environment variables before defaults. @throws FcmError OPTION_INVALID for the first that is wrong */
export function readConfig(flags: Record<string, unknown>, env: NodeJS.ProcessEnv = process.env): Config {
  const given: Record<string, unknown> = {}
  const origin: Record<string, string> = {}
  for (const [name, { flag, env: variable, type }] of settings) {
    const fromEnv = env[variable] === '' ? undefined : env[variable]
    const value = flags[name] ?? fromEnv
    if (value === undefined) continue
    given[name] = typeof value === 'string' ? valueIn(value, type) : value
    origin[name] = flags[name] === undefined ? variable : `--${flag?.slice(2).split(' ')[0]}`
  }
  const config = Value.Default(Settings, given)
  const [error] = Value.Errors(Settings, config)
  if (!error) return unbracketed(config as Config)
  const name = error.instancePath.slice(1) as keyof Config
  const { description, enum: choices } = settings.find(([n]) => n === name)![1]
  throw new FcmError('OPTION_INVALID', {
    option: `${origin[name] ?? name} "${SECRET.has(name) ? '...' : given[name]}"`,
    why: choices ? `must be one of ${choices.join(', ')}` : error.message,
    hint: `It sets ${description}`,
  })
}
