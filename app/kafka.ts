/** What the settings say of a Kafka cluster, and of the engines that go with it. */
import { FcmError } from '../common/errors.ts'
import { isLoopbackHost } from '../common/loopback.ts'
import { SECOND } from '../common/time.ts'
import type { KafkaOptions } from '../pipeline/log/kafka/client.ts'
import type { Config } from './config.ts'

const unset = (option: string) =>
  new FcmError('OPTION_INVALID', {
    option,
    why: 'must be set where KAFKA_BROKERS is',
    hint: 'On Kafka several processes share a schema registry and a PostgreSQL server',
  })

/** @throws FcmError OPTION_INVALID where processes share a Kafka cluster, and no database */
export function needDatabase({ kafkaBrokers, databaseUrl }: Config): void {
  if (kafkaBrokers !== undefined && databaseUrl === undefined) throw unset('DATABASE_URL')
}

/**
 * Where the engines are that a Kafka cluster goes with; without `url` for who needs no database.
 * @throws FcmError OPTION_INVALID for what is missing
 */
export function kafkaOf(config: Config) {
  const {
    kafkaBrokers = '',
    kafkaTls,
    kafkaUser,
    kafkaPlainInClear,
    kafkaSessionSeconds,
    schemaRegistryUrl,
    databaseUrl,
  } = config
  if (schemaRegistryUrl === undefined) throw unset('SCHEMA_REGISTRY_URL')
  const [, mechanism, username, password] = /^([^:]+):([^:]+):(.+)$/.exec(kafkaUser ?? '') ?? []
  const brokers = kafkaBrokers.split(',')
  const isNear = brokers.every((broker) =>
    isLoopbackHost(broker.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')),
  )
  if (mechanism === 'plain' && !kafkaTls && !kafkaPlainInClear && !isNear)
    throw new FcmError('OPTION_INVALID', {
      option: 'KAFKA_USER',
      why: 'would send the password in clear: the mechanism is plain, and KAFKA_TLS is not true',
      hint: 'Set KAFKA_TLS=true, or use scram-sha-256; KAFKA_PLAIN_IN_CLEAR=true allows it where nobody else can listen',
    })
  const registry = new URL(schemaRegistryUrl)
  const auth = {
    username: decodeURIComponent(registry.username),
    password: decodeURIComponent(registry.password),
  }
  Object.assign(registry, { username: '', password: '' })
  return {
    url: databaseUrl,
    kafka: {
      brokers,
      ssl: kafkaTls,
      sessionMs: kafkaSessionSeconds * SECOND,
      ...(mechanism ? { sasl: { mechanism, username, password } as KafkaOptions['sasl'] } : {}),
    },
    registry: { url: registry.href.replace(/\/$/, ''), ...(auth.username ? { auth } : {}) },
  }
}
