import { expect, test } from 'vitest'
import { readConfig } from './config.ts'
import { kafkaOf, needDatabase } from './kafka.ts'

const ENGINES = { SCHEMA_REGISTRY_URL: 'http://registry', DATABASE_URL: 'postgres://fcm@db/fcm' }
const kafka = (env: Record<string, string>) => kafkaOf(readConfig({}, { ...ENGINES, ...env }))

test('a password goes in clear to this machine, or where that is said', () => {
  const KAFKA_USER = 'plain:fcm:a:secret'
  const sasl = { mechanism: 'plain', username: 'fcm', password: 'a:secret' }
  for (const brokers of ['kafka:9092', '127.0.0.1:9092,10.0.0.1:9092', 'localhost.example:1'])
    expect(() => kafka({ KAFKA_BROKERS: brokers, KAFKA_USER })).toThrow(
      /KAFKA_USER: would send the password in clear/,
    )
  for (const env of [
    { KAFKA_BROKERS: '127.0.0.1:9092,localhost:9093,[::1]:9094' },
    { KAFKA_BROKERS: 'kafka:9092', KAFKA_TLS: 'true' },
    { KAFKA_BROKERS: 'kafka:9092', KAFKA_PLAIN_IN_CLEAR: 'true' },
  ])
    expect(kafka({ ...env, KAFKA_USER }).kafka.sasl).toEqual(sasl)
  // Of these nobody learns the password by listening.
  expect(kafka({ KAFKA_BROKERS: 'kafka:9092', KAFKA_USER: 'scram-sha-256:a:b' }).kafka.ssl).toBe(false)
})

test('on Kafka a database is only wanted by who needs it', () => {
  const env = { KAFKA_BROKERS: 'kafka:9092', SCHEMA_REGISTRY_URL: 'http://registry' }
  expect(kafkaOf(readConfig({}, env)).url).toBeUndefined()
  expect(() => needDatabase(readConfig({}, env))).toThrow(/DATABASE_URL: must be set/)
  expect(() => needDatabase(readConfig({}, {}))).not.toThrow()
})
