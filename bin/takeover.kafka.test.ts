/** Several processes that could be the source, each with a data directory of its own, as on several machines. */
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest'
import { type PostgresServer, postgresPrograms, startPostgres } from '../infra/postgres/server.ts'
import { openKafkaLog } from '../pipeline/log/kafka/kafka.ts'
import { LIVE, topicSpecs } from '../pipeline/topology.ts'
import { fcm, spawnFcm, temporaryDir } from './testing.ts'

const services = inject('services')
const programs = postgresPrograms()

describe.skipIf(!services || !programs)('on Kafka and PostgreSQL', () => {
  const dirs = Array.from({ length: 3 }, temporaryDir)
  let env: Record<string, string>
  let postgres: PostgresServer
  beforeAll(async () => {
    postgres = await startPostgres(programs!)
    env = {
      KAFKA_BROKERS: Object.values(services!.brokers)[0]!,
      SCHEMA_REGISTRY_URL: services!.registry,
      DATABASE_URL: postgres.url,
    }
    expect(await fcm(['migrate'], env)).toMatchObject({ code: 0 })
  })
  afterAll(async () => {
    const log = openKafkaLog({ brokers: [env.KAFKA_BROKERS!] })
    await log.deleteTopics(topicSpecs(LIVE, 1).map(({ name }) => name))
    await log.close()
    await postgres.stop()
    postgres.remove()
    for (const { remove } of dirs) remove()
  })

  test('one is it, and the next goes on in its place; one of something else is refused at once', {
    timeout: 120_000,
  }, async () => {
    const source = (i: number) => {
      const running = spawnFcm(['run', 'source', '--data-dir', dirs[i]!.dir, '--seed', '4'], env)
      // Whatever fails, none stays behind.
      onTestFinished(() => void running.kill('SIGKILL'))
      return running
    }
    const first = source(0)
    await first.says('"live"')
    const second = source(1)
    await second.says('Another process polls')
    const other = ['--data-dir', dirs[2]!.dir, '--seed', '8', '--port', '0']
    const refused = {
      code: 2,
      stderr: expect.stringMatching(/holds a simulation with seed 4, not a simulation with seed 8/),
    }
    expect(await fcm(['start', ...other], env)).toMatchObject(refused)
    expect(await fcm(['run', 'source', ...other], env)).toMatchObject(refused)
    expect(second.said.stdout).not.toContain('"live"')
    first.kill('SIGKILL')
    await second.says('"live"')
    second.kill('SIGTERM')
    expect(await second.ended).toMatchObject({ code: 0 })
  })
})

test.skipIf(services && programs)('needs Kafka and PostgreSQL, which are not here', () => {})
