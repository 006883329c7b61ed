import { describe, expect, test } from 'vitest'
import { FcmError } from '../common/errors.ts'
import { type Config, readConfig, settings } from './config.ts'
import { expectReadable, HOSTILE, NO_NUMBER } from './hostile.fixture.ts'

describe('settings', () => {
  const read = (name: keyof Config, value: string, from: 'flag' | 'environment'): unknown => {
    const { env } = settings.find(([n]) => n === name)![1]
    const config = from === 'flag' ? readConfig({ [name]: value }, {}) : readConfig({}, { [env]: value })
    return config[name]
  }
  const wrong: Partial<Record<keyof Config, string[]>> = {
    dataDir: [],
    host: [],
    mcp: [],
    follow: [],
    allowedHosts: ['a b', 'a:80', 'a,', 'http://a', ...HOSTILE],
    trustedProxies: [
      'proxy',
      '10.0.0.1,',
      '10.0.0.1, 10.0.0.2',
      '10.0.0',
      '10.0.0.1:80',
      '10.0.0.0/0',
      '10.0.0.0/33',
      '10.0.0.0/255.0.0.0',
      '10.0.0.0/8/8',
      'fd00::/129',
      '[fd00::1]',
      'fe80::1%eth0',
      'loopback',
      'true',
      ...HOSTILE,
    ],
    mcpEnv: [
      'A B',
      'A,',
      '1A',
      'A=B',
      'DATABASE_URL',
      'A,KAFKA_USER',
      'SCHEMA_REGISTRY_URL,A',
      ...HOSTILE.filter((v) => !/^\w+$/.test(v)),
    ],
    anyone: ['write', 'admin', 'read;ops', 'READ', 'read,', ...HOSTILE],
    databaseUrl: ['mysql://x', 'host', ' postgres://x', ...HOSTILE],
    kafkaBrokers: ['kafka', 'kafka:', 'a:1,', 'a:1, b:2', 'http://a:1', ...HOSTILE],
    kafkaTls: ['yes', '1', 'TRUE', ...HOSTILE],
    kafkaPlainInClear: ['yes', '1', 'TRUE', ...HOSTILE],
    kafkaUser: ['user:password', 'plain:user', 'md5:a:b', ...HOSTILE],
    kafkaSessionSeconds: ['5', '301', '6.5', ...NO_NUMBER, ...HOSTILE],
    schemaRegistryUrl: ['registry:8081', 'ftp://x', 'http://', ...HOSTILE],
    port: ['-1', '65536', '80.5', '9'.repeat(400), ...NO_NUMBER, ...HOSTILE],
    metricsPort: ['-1', '65536', '80.5', ...NO_NUMBER, ...HOSTILE],
    partitions: ['0', '257', '1.9', ...NO_NUMBER, ...HOSTILE],
    batchSize: ['0', '10001', '1.9', ...NO_NUMBER, ...HOSTILE],
    checkpointSeconds: ['-0.1', '3601', ...NO_NUMBER, ...HOSTILE],
    preset: ['Classic', 'classic ', 'constructor', ...HOSTILE],
    scorer: ['WASM', 'tfjs', ...HOSTILE],
    alertsPerDay: ['-1', '100001', '1.5', ...NO_NUMBER, ...HOSTILE],
    source: ['Server', 'a b', '-x', 'x'.repeat(65), ...HOSTILE],
    minFollowers: ['-1', '1.5', ...NO_NUMBER, ...HOSTILE],
    pollSeconds: ['59', '604801', '60.5', ...NO_NUMBER, ...HOSTILE],
    requestsPerMinute: ['29', '60001', ...NO_NUMBER, ...HOSTILE],
    textDays: ['0', '3651', '1.9', ...NO_NUMBER, ...HOSTILE],
    logLevel: ['INFO', 'trace', ...HOSTILE],
  }

  test.each(settings.map(([name]) => name))('%s', (name) => {
    expect(wrong).toHaveProperty(name)
    for (const value of wrong[name]!)
      for (const from of ['flag', 'environment'] as const) {
        let error: unknown
        try {
          error = `${JSON.stringify(value.slice(0, 50))} gave ${read(name, value, from)}`
        } catch (thrown) {
          error = thrown
        }
        expectReadable(error)
      }
  })

  test('a proxy is trusted by its address or range, others are told how it is written', () => {
    const written = [
      '10.0.0.1',
      '10.0.0.0/8',
      '::1',
      'fd00::/64',
      '::ffff:10.0.0.1',
      '10.0.0.1/32,fd00::1/128',
    ]
    for (const value of written) expect(read('trustedProxies', value, 'environment')).toBe(value)
    expect(() => read('trustedProxies', '10.0.0.1, b', 'environment')).toThrow(
      'FCM_TRUSTED_PROXIES "10.0.0.1, b": must be addresses or ranges of them, with commas, such as 10.0.0.1,fd00::/64.',
    )
  })

  test('a number that is written as one is that number', () => {
    expect(read('port', '08080', 'flag')).toBe(8080)
    expect(read('checkpointSeconds', '0.5', 'environment')).toBe(0.5)
    expect(readConfig({ port: 81 }, {})).toMatchObject({ port: 81 })
  })

  test('an empty variable is none, an empty flag is refused where it can not be meant', () => {
    for (const [, { env }] of settings) expect(readConfig({}, { [env]: '' })).toEqual(readConfig({}, {}))
    for (const name of ['dataDir', 'port', 'mcp', 'follow'])
      expect(() => readConfig({ [name]: '' }, {})).toThrow(FcmError)
  })

  test('what is in a URL of a database is not repeated', () => {
    for (const [env, value] of Object.entries({
      DATABASE_URL: 'mysql://root:hunter2@db',
      KAFKA_USER: 'root:hunter2',
      SCHEMA_REGISTRY_URL: 'root:hunter2@registry',
    })) {
      const reading = () => readConfig({}, { [env]: value })
      expect(reading).toThrow(`${env} "..."`)
      expect(reading).not.toThrow(/hunter2/)
    }
  })
})
