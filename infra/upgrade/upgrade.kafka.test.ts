/**
 * A deployment of the previous release on Kafka and PostgreSQL is switched to this one, role by role, readers first, while
 * events come in. Exports are those of one process of this release that nothing has happened to.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, expect, inject, test } from 'vitest'
import { recordsOf } from '../../app/load/feed.ts'
import { PROCESSING } from '../../app/roles/roles.ts'
import { FCM, fcm as runFcm, temporaryDir } from '../../app/testing.ts'
import { untilItPasses } from '../../common/retry.ts'
import { openKafkaLog } from '../../pipeline/log/kafka/kafka.ts'
import { backlog } from '../../pipeline/runtime/lag.ts'
import { topicSpecs } from '../../pipeline/topology.ts'
import { createCodec } from '../../schemas/codec.ts'
import { openConfluentRegistry } from '../../schemas/confluent-registry.ts'
import { caughtUp } from '../chaos/faults.ts'
import { startRegistry } from '../kafka/servers.ts'
import { freePort } from '../loopback.ts'
import { postgresPrograms, startPostgres } from '../postgres/server.ts'
import { binsOf, type Exports, exportsBy, FIRST, feedOf, undisturbed } from '../undisturbed.ts'
import { previousRelease } from './previous.ts'

const LOAD = { run: 'upgrade', channels: 20, hours: 36 }
const PARTITIONS = 4
/** The load is spread over so long, s, and the roles are switched in the middle of it, one after another. */
const SECONDS = 60
const BEFORE = 25
const PAUSE = 3
/** Readers first: the previous release would bury what it doesn't know. */
const ORDER = ['store', 'api', 'sum', 'detect', 'count'] as const

const services = inject('services')
const previous = previousRelease()
const programs = postgresPrograms()
const postgres = services && previous && programs ? await startPostgres(programs) : undefined
const { dir, remove } = temporaryDir()
// Of its own: in that of the other tests stand schemas that the previous release is behind.
const registry = postgres && (await startRegistry({ dir: join(dir, 'registry') }))
afterAll(async () => {
  await registry?.stop()
  await postgres?.stop()
  postgres?.remove()
  previous?.remove()
  remove()
})

/** Without the last column, which names the settings and the release that decided. */
const decided = (csv: string): string => csv.replace(/,[0-9a-f]{8}$/gm, '')

type Role = { child: ChildProcess; log: string }

test.skipIf(!postgres)('a deployment under load', { timeout: 400_000 }, async () => {
  const [, broker] = Object.entries(services!.brokers)[0]!
  const env = {
    PATH: process.env.PATH!,
    HOME: process.env.HOME!,
    KAFKA_BROKERS: broker,
    KAFKA_SESSION_SECONDS: '6',
    SCHEMA_REGISTRY_URL: registry!.address,
    DATABASE_URL: postgres!.url,
    FCM_DATA_DIR: dir,
    FCM_CHECKPOINT_SECONDS: '5',
    FCM_PARTITIONS: String(PARTITIONS),
  }
  const fcm = async (args: string[], given: Record<string, string> = env) => {
    const { code, stdout, stderr } = await runFcm(args, given)
    expect({ args, code, stderr }).toMatchObject({ code: 0 })
    return stdout
  }
  const { answer } = await undisturbed(LOAD, fcm)
  expect(answer.alerts.split('\n').length).toBeGreaterThan(10)

  const roles = new Map<string, Role>()
  const start = async (program: string, role: string): Promise<void> => {
    const log = join(dir, `${role}.log`)
    const to = openSync(log, 'a')
    const port = ['--port', String(await freePort())]
    const child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', program, 'run', role, '--run', LOAD.run, ...port],
      { env, stdio: ['ignore', to, to] },
    )
    roles.set(role, { child, log })
  }
  const stop = async (role: string): Promise<void> => {
    const { child, log } = roles.get(role)!
    const alive = child.exitCode === null && child.signalCode === null
    expect(alive, `${role} ended by itself: ${readFileSync(log, 'utf8').slice(-2000)}`).toBe(true)
    const ended = once(child, 'exit')
    child.kill('SIGTERM')
    expect((await ended)[0]).toBe(0)
  }

  try {
    const old = spawn(process.execPath, [previous!.fcm, 'migrate'], { env, stdio: 'ignore' })
    expect((await once(old, 'exit'))[0]).toBe(0)
    const log = openKafkaLog({ brokers: [broker] })
    // Of activity, whose schemas are those of the previous release.
    const codec = await createCodec(openConfluentRegistry({ url: registry!.address, mayRegister: true }))
    await Promise.all(['count', 'sum', 'detect', 'store', 'api'].map((role) => start(previous!.fcm, role)))
    await expect.poll(() => log.topics(`fcm.${LOAD.run}.`)).not.toEqual([])

    const feed = feedOf(LOAD, log, codec, PARTITIONS)
    const bins = binsOf(LOAD)
    const began = Date.now()
    const publishing = (async () => {
      for (let bin = FIRST; bin < FIRST + bins; bin++) {
        const due = began + ((bin - FIRST) / bins) * SECONDS * 1000
        if (Date.now() < due) await sleep(due - Date.now())
        await untilItPasses(
          () => log.append(recordsOf(feed, bin)),
          () => {},
        )
      }
    })()
    publishing.catch(() => {})
    await sleep(BEFORE * 1000)
    await fcm(['migrate'])
    for (const role of ORDER) {
      await stop(role)
      await start(FCM, role)
      await sleep(PAUSE * 1000)
    }
    await publishing
    await log.ensureTopics(topicSpecs(LOAD.run, PARTITIONS))
    await caughtUp(() => backlog(log, LOAD.run, PROCESSING), 0)
    await log.close()
    for (const role of ORDER) await stop(role)
    const result = await exportsBy(fcm, LOAD.run)
    for (const [what, text] of Object.entries(answer))
      expect(decided(result[what as keyof Exports]) === decided(text), what).toBe(true)
    expect(JSON.parse(await fcm(['dead-letters', 'list', '--run', LOAD.run, '--json']))).toEqual([])
  } finally {
    for (const { child } of roles.values()) child.kill('SIGKILL')
  }
})
