/** Several processes that could be the source, each with a data directory of its own, as on several machines. */
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest'
import { type PostgresServer, postgresPrograms, startPostgres } from '../../infra/postgres/server.ts'
import { openKafkaLog } from '../../pipeline/log/kafka/kafka.ts'
import type { EventLog } from '../../pipeline/log/port.ts'
import { LIVE, topicOf, topicSpecs } from '../../pipeline/topology.ts'
import { fcm, spawnFcm, temporaryDir } from '../testing.ts'

const services = inject('services')
const programs = postgresPrograms()

describe.skipIf(!services || !programs)('on Kafka and PostgreSQL', () => {
  const dirs = Array.from({ length: 3 }, temporaryDir)
  let env: Record<string, string>
  let postgres: PostgresServer
  let log: EventLog
  beforeAll(async () => {
    postgres = await startPostgres(programs!)
    const broker = Object.values(services!.brokers)[0]!
    log = openKafkaLog({ brokers: [broker] })
    env = {
      KAFKA_BROKERS: broker,
      KAFKA_SESSION_SECONDS: '30',
      SCHEMA_REGISTRY_URL: services!.registry,
      DATABASE_URL: postgres.url,
    }
    expect(await fcm(['migrate'], env)).toMatchObject({ code: 0 })
  })
  afterAll(async () => {
    await log.deleteTopics(topicSpecs(LIVE, 1).map(({ name }) => name))
    await log.close()
    await postgres.stop()
    postgres.remove()
    for (const { remove } of dirs) remove()
  })

  const source = (i: number) => {
    const running = spawnFcm(['run', 'source', '--data-dir', dirs[i]!.dir, '--seed', '4'], env)
    // Whatever fails, none stays behind.
    onTestFinished(() => void running.kill('SIGKILL'))
    return running
  }

  test('one is it, and the next goes on in its place; one of something else is refused at once', {
    timeout: 300_000,
  }, async () => {
    const first = source(0)
    await first.says('"live"')
    const second = source(1)
    await second.says('Another process is the source')
    const other = ['--data-dir', dirs[2]!.dir, '--seed', '8', '--port', '0']
    const refused = {
      code: 2,
      stderr: expect.stringMatching(/holds a simulation with seed 4, not a simulation with seed 8/),
    }
    expect(await fcm(['start', ...other], env)).toMatchObject(refused)
    expect(await fcm(['run', 'source', ...other], env)).toMatchObject(refused)
    expect(second.said.stdout).not.toContain('"live"')
    expect(await fcm(['lag'], env)).toMatchObject({
      ...{ code: 1, stderr: expect.stringContaining('Run live: count, sum, detect, store are not at work') },
    })
    first.kill('SIGKILL')
    await second.says('"live"')
    // One that leaves in good order is not waited for.
    const third = source(2)
    await third.says('Another process is the source')
    const began = Date.now()
    second.kill('SIGTERM')
    await third.says('"live"')
    expect(Date.now() - began).toBeLessThan(25_000)
    expect(await second.ended).toMatchObject({ code: 0 })
    third.kill('SIGTERM')
    await third.ended
    expect(await fcm(['lag'], env)).toMatchObject({
      ...{ code: 1, stderr: expect.stringContaining('nothing is watched') },
    })
  })

  test('it goes on while the database is away, and so does one that begins then', {
    timeout: 300_000,
  }, async () => {
    const written = async () =>
      (await log.ends(topicOf(LIVE, 'activity'))).reduce((sum, { next }) => sum + next, 0)
    const first = source(0)
    await first.says('"live"')
    await postgres.stop()
    onTestFinished(() => postgres.start())
    const before = await written()
    await expect.poll(written).toBeGreaterThan(before)
    first.kill('SIGKILL')
    const second = source(1)
    await second.says('"live"')
    const then = await written()
    await expect.poll(written).toBeGreaterThan(then)
  })
})

test.skipIf(services && programs)('needs Kafka and PostgreSQL, which are not here', () => {})
