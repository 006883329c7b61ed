/** Holds docker-compose.yml against the program that it runs. */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { createHealthApi } from '../../api/health.ts'
import { testApi } from '../../api/testing.ts'
import { readConfig, settings } from '../../app/config.ts'
import { accessOf } from '../../app/serve.ts'
import { mcpServer } from '../../bin/commands/mcp-server.ts'
import { serveMcp } from '../../connectors/farcaster/mcp-server/http-server.ts'
import { farcasterMcp } from '../../connectors/farcaster/mcp-server/server.ts'
import { needsStore, ROLES } from '../../pipeline/topology.ts'
import { KAFKA_VERSIONS, REGISTRY_VERSION } from '../kafka/packages.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

type Service = {
  image: string
  build?: string
  hostname?: string
  command?: string[]
  environment: Record<string, string>
  healthcheck?: { test: string[] }
  ports?: string[]
  networks: string[]
  volumes?: string[]
  restart: string
  init: boolean
  read_only?: boolean
  user?: string
  cap_drop: string[]
  security_opt: string[]
  mem_limit: string
  cpus: number
  pids_limit: number
  stop_grace_period: string
  depends_on?: Record<string, { condition: string }>
  profiles?: string[]
}
type Compose = {
  services: Record<string, Service>
  volumes: Record<string, unknown>
  networks: Record<string, { internal?: boolean } | null>
}

const text = read('docker-compose.yml')
const users = read('infra/compose/postgres/users.sql')
const compose = parse(text, { merge: true }) as Compose
const outside = parse(read('infra/compose/outside.yml')) as { services: Record<string, Partial<Service>> }
const all = Object.entries(compose.services)
const ours = all.filter(([, { build }]) => build !== undefined)
const roles = ours.filter(([name]) => name !== 'migrate' && name !== 'mcp')
/** Who is which user of the database. */
const USERS = { migrate: 'fcm_owner', store: 'fcm_writer', api: 'fcm_reader' } as Record<string, string>
/** What a service sees of its variables where people have set `env`, by default none. */
const environmentOf = (service: Service, env: Record<string, string> = {}): Record<string, string> =>
  Object.fromEntries(
    Object.entries(service.environment).map(([name, value]) => [
      name,
      value.replace(
        /\$\{(\w+)(?::-([^}]*)|:\?[^}]*)?\}/g,
        (_, variable, or) => env[variable] ?? or ?? 'secret',
      ),
    ]),
  )
const [, version] = /"version": "([^"]+)"/.exec(read('package.json'))!

describe('services', () => {
  test('every role runs in one of its own, and all are built from here', () => {
    expect(Object.fromEntries(roles.map(([name, { command }]) => [name, command]))).toEqual(
      Object.fromEntries([...ROLES, 'api'].map((role) => [role, ['run', role]])),
    )
    expect(compose.services.migrate?.command).toEqual(['migrate'])
    for (const [, { image, build }] of ours)
      expect({ image, build }).toEqual({ image: `fcm:${version}`, build: '.' })
  })

  test('their variables are settings of the program, and it takes them', () => {
    const known = settings.map(([, { env }]) => env)
    for (const [name, service] of ours) {
      if (name === 'mcp') continue
      expect(Object.keys(service.environment).filter((name) => !known.includes(name))).toEqual([])
      const config = readConfig({}, environmentOf(service))
      expect(config).toMatchObject({ host: '0.0.0.0', partitions: 8 })
      expect([config.mcp, config.preset, config.metricsPort]).toEqual([undefined, 'calibrated', config.port])
    }
  })

  test('who reaches them may read and look after them, by the name of the service', async () => {
    for (const [name, service] of roles) {
      expect(service.hostname).toBe(name)
      expect(accessOf(readConfig({}, environmentOf(service)))).toEqual({
        host: '0.0.0.0',
        allowedHosts: [],
        trustedProxies: [],
        anyone: ['read', 'ops'],
      })
    }
  })

  test('the API, which is behind the proxy, is told whom to trust', () => {
    const env = { FCM_ALLOWED_HOSTS: 'monitor.example', FCM_TRUSTED_PROXIES: '172.18.0.1' }
    expect(accessOf(readConfig({}, environmentOf(compose.services.api!, env)))).toMatchObject({
      allowedHosts: ['monitor.example'],
      trustedProxies: ['172.18.0.1'],
    })
  })

  test('they find the engines by name and port', () => {
    const { kafka, registry, postgres } = compose.services as Record<string, Service>
    const env = environmentOf(compose.services.count!)
    expect(kafka!.environment.KAFKA_ADVERTISED_LISTENERS).toContain(`INSIDE://${env.KAFKA_BROKERS}`)
    expect(env.SCHEMA_REGISTRY_URL).toBe('http://registry:8080/apis/ccompat/v7')
    for (const [name, user] of Object.entries(USERS)) {
      const url = new URL(environmentOf(compose.services[name]!).DATABASE_URL!)
      expect([url.hostname, url.port]).toEqual(['postgres', '5432'])
      expect([url.username, url.pathname.slice(1)]).toEqual([user, postgres!.environment.POSTGRES_DB])
    }
    const kept = new URL(registry!.environment.APICURIO_DATASOURCE_URL!.replace('jdbc:', ''))
    expect(kept.host).toBe('postgres:5432')
    expect(users).toContain(`CREATE DATABASE ${kept.pathname.slice(1)}'`)
    expect(registry!.environment.APICURIO_DATASOURCE_USERNAME).toBe('registry')
    expect(postgres!.volumes).toContain('./infra/compose/postgres:/docker-entrypoint-initdb.d:ro')
    for (const [name, { networks }] of all) expect(networks.includes('engines')).toBe(name !== 'mcp')
  })

  test('they start when the engines are healthy and the migration has ended', () => {
    const engines = ['kafka', 'registry', 'postgres']
    const healthy = Object.fromEntries(engines.map((name) => [name, { condition: 'service_healthy' }]))
    for (const name of engines) expect(compose.services[name]?.healthcheck).toBeDefined()
    expect(compose.services.migrate?.depends_on).toEqual(healthy)
    const { postgres, ...log } = healthy
    const migrated = { migrate: { condition: 'service_completed_successfully' } }
    for (const [name, { depends_on }] of roles)
      expect(depends_on).toEqual({ ...log, ...migrated, ...(USERS[name] && { postgres }) })
  })

  test('the health check of a role says whether it is ready', async () => {
    const failures: string[] = []
    const ready = { failures: () => failures, needs: [], readings: [], metrics: new Registry() }
    const role = createHealthApi({ ...ready, logger: pino({ level: 'silent' }), host: '127.0.0.1' })
    const { app: api } = await testApi({ failures: () => failures })
    for (const app of [role, api]) {
      failures.length = 0
      await app.listen({ host: '127.0.0.1', port: 0 })
      const { port } = app.server.address() as AddressInfo
      expect(await checked(port)).toBe(0)
      failures.push('detect of run live ended')
      expect(await checked(port)).toBe(1)
      await app.close()
      expect(await checked(port)).toBe(1)
    }
    for (const [, { healthcheck, environment }] of roles) {
      expect(healthcheck).toEqual(roles[0]![1].healthcheck)
      expect([environment.FCM_PORT, environment.FCM_METRICS_PORT]).toEqual(['8080', '8080'])
    }
  })

  /** The exit code of a role's health check, were it to listen on that port. */
  async function checked(port: number): Promise<number> {
    const [how, command, ...args] = roles[0]![1].healthcheck!.test
    expect([how, command]).toEqual(['CMD', 'node'])
    const child = spawn(
      process.execPath,
      args.map((arg) => arg.replace('127.0.0.1:8080', `127.0.0.1:${port}`)),
    )
    const [code] = await once(child, 'exit')
    return code
  }
})

describe('who may do what', () => {
  test('only who needs the database can reach it, each as a user of its own', () => {
    const given = ours.filter(([, { environment }]) => 'DATABASE_URL' in environment).map(([name]) => name)
    expect(given.sort()).toEqual(Object.keys(USERS).sort())
    for (const role of ROLES) expect([role, needsStore(role)]).toEqual([role, given.includes(role)])
    for (const user of [...Object.values(USERS), 'registry']) {
      const [, variable] = new RegExp(`ALTER ROLE ${user} PASSWORD :'(\\w+)'`).exec(users)!
      const [, name] = new RegExp(`\\\\getenv ${variable} (\\w+)`).exec(users)!
      // What the server is told, and what the client says.
      expect(compose.services.postgres!.environment[name!]).toContain(`\${${name}:?`)
      const [client] = ours.find(([service]) => USERS[service] === user) ?? ['registry']
      const said = Object.values(compose.services[client]!.environment).join()
      expect(said).toContain(`\${${name}:?`)
    }
    const secrets = /PASSWORD|DATABASE_URL/
    for (const role of ['source', 'count', 'sum', 'detect', 'mcp'])
      expect(Object.keys(compose.services[role]!.environment).filter((name) => secrets.test(name))).toEqual(
        [],
      )
  })

  test('the MCP server is another user, who can reach the hub and nothing of ours', async () => {
    const { mcp, source } = compose.services as Record<string, Service>
    expect(mcp).toMatchObject({
      user: '1001:1001',
      profiles: ['farcaster'],
      networks: ['servers', 'hub'],
    })
    expect(Object.keys(mcp!.environment)).toEqual(['FCM_HUB'])
    expect(source!.networks).toEqual(['engines', 'servers'])
    expect(compose.networks).toMatchObject({ servers: { internal: true }, hub: null })
    const near = [...all, ...Object.entries(outside.services)]
      .filter(([, { networks = [] }]) => networks.some((name) => mcp!.networks.includes(name)))
      .map(([name]) => name)
    expect(near.sort()).toEqual(['mcp', 'source'])
    // The command is one of the program, and what the documentation says to poll is what it serves.
    const [command, ...args] = mcp!.command!
    const program = new Command('fcm').exitOverride()
    mcpServer(program)
    const found = program.commands.find((one) => one.name() === command)!
    found.parseOptions(args)
    const { http, host, name } = found.opts()
    expect([host, name]).toEqual(['0.0.0.0', ['mcp']])
    expect(read('docs/deployment.md')).toContain(`FCM_MCP=http://${name[0]}:${http}/mcp`)
    const served = farcasterMcp({ hub: 'http://127.0.0.1:1', version: '1' })
    const serving = await serveMcp(served, { port: 0, names: name })
    const check = mcp!.healthcheck!.test.map((word) =>
      word.replace('127.0.0.1:8090', new URL(serving.url).host),
    )
    const child = spawn(process.execPath, check.slice(2))
    expect(await once(child, 'exit')).toEqual([0, null])
    await serving.close()
    served.close()
  })
})

describe('what a machine is protected from', () => {
  test.each(all)('%s is limited, restarted and may do little', (name, service) => {
    expect(service.mem_limit).toMatch(/^\d+[mg]$/)
    expect(service.cpus).toBeGreaterThan(0)
    expect(service.pids_limit).toBeGreaterThan(0)
    expect(service.cap_drop).toEqual(['ALL'])
    expect(service.security_opt).toEqual(['no-new-privileges:true'])
    expect(service.init).toBe(true)
    expect(service.restart).toBe(name === 'migrate' ? 'no' : 'unless-stopped')
    expect(service.healthcheck === undefined).toBe(name === 'migrate')
    // A role may take 10 s to stop.
    expect(Number.parseInt(service.stop_grace_period, 10)).toBeGreaterThan(10)
    if (service.build) expect(service.read_only).toBe(true)
  })

  test('images are pinned, to what is tested where it is', () => {
    const bases = [...read('Dockerfile').matchAll(/^FROM (\S+)/gm)].map(([, image]) => image!)
    const images = [...all.map(([, { image }]) => image), ...bases]
    for (const image of images) expect(image).toMatch(/^[\w/-]+:\d+\.\d+/)
    expect(compose.services.kafka?.image).toBe(`apache/kafka:${KAFKA_VERSIONS[0]}`)
    expect(compose.services.registry?.image).toBe(`apicurio/apicurio-registry:${REGISTRY_VERSION}`)
    expect(compose.services.postgres?.image).toMatch(/^postgres:15\./)
    const [, node] = /"node": "\^(\d+\.\d+)/.exec(read('package.json'))!
    for (const base of bases) expect(base).toMatch(new RegExp(`^node:${node}-`))
    expect(read('Dockerfile')).toMatch(/^USER node$/m)
  })

  test('only this machine can connect, and to the engines only where that is asked for', () => {
    const published = (services: Record<string, Partial<Service>>) =>
      Object.entries(services).flatMap(([name, { ports = [] }]) => ports.map((port) => `${name} ${port}`))
    expect(published(compose.services)).toEqual(['api 127.0.0.1:8080:8080'])
    const more = published(outside.services)
    expect(more.length).toBeGreaterThan(0)
    for (const port of more) expect(port).toMatch(/^\w+ 127\.0\.0\.1:\d+:\d+$/)
    // What is told to clients outside is where they find it.
    const { KAFKA_ADVERTISED_LISTENERS: told, KAFKA_LISTENERS: listens } = compose.services.kafka!.environment
    const [, host] = /OUTSIDE:\/\/([\d.]+:\d+)/.exec(told!)!
    const [, port] = /OUTSIDE:\/\/:(\d+)/.exec(listens!)!
    expect(more).toContain(`kafka ${host}:${port}`)
    expect(compose.networks.engines).toEqual({ internal: true })
    const reachOut = all.filter(([, { networks }]) => networks.includes('outside')).map(([name]) => name)
    expect(reachOut).toEqual(['api'])
  })

  test('what has to last is on volumes', () => {
    const kept = all.flatMap(([name, { volumes = [] }]) =>
      volumes.filter((volume) => /^\w/.test(volume)).map((volume) => [volume.split(':')[0], name]),
    )
    expect(Object.fromEntries(kept)).toEqual({ kafka: 'kafka', postgres: 'postgres', data: 'source' })
    expect(Object.keys(compose.volumes).sort()).toEqual(kept.map(([volume]) => volume).sort())
  })
})

test('every variable that people set is in the documentation, and a password has no default', () => {
  const documented = read('docs/deployment.md')
  const variables = new Set([...text.matchAll(/\$\{(\w+)/g)].map(([, name]) => name!))
  expect(variables.size).toBeGreaterThan(5)
  for (const name of variables) expect(documented).toContain(`\`${name}\``)
  const required = [...text.matchAll(/\$\{(\w+)(:.)?/g)].filter(([, , or]) => or !== ':-')
  const passwords = ['POSTGRES', 'FCM_OWNER', 'FCM_WRITER', 'FCM_READER', 'REGISTRY']
  expect(new Set(required.map(([how]) => how))).toEqual(
    new Set(passwords.map((name) => `\${${name}_PASSWORD:?`)),
  )
})

/** `docker compose`, where it is installed; it needs no running engines for this. */
const isInstalled = spawnSync('docker', ['compose', 'version']).status === 0
if (!isInstalled) process.stderr.write('Skipped, what docker compose says: it is not installed.\n')

test.skipIf(!isInstalled).each([[[]], [['infra/compose/outside.yml']]])(
  'docker compose takes it, with %s',
  (more) => {
    const files = ['docker-compose.yml', ...more].flatMap((file) => ['-f', file])
    const names = ['POSTGRES', 'FCM_OWNER', 'FCM_WRITER', 'FCM_READER', 'REGISTRY']
    const passwords = Object.fromEntries(names.map((name) => [`${name}_PASSWORD`, 'secret']))
    const env = { ...process.env, ...passwords }
    execFileSync('docker', ['compose', ...files, 'config', '--quiet'], { cwd: ROOT, env })
  },
)
