/** Starts what `*.kafka.test.ts` run on, once for all of them: a broker of each version, and a registry. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { KAFKA_VERSIONS } from './kafka/packages.ts'
import { type Server, startBroker, startRegistry } from './kafka/servers.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Brokers by version, as host:port; null: nothing can be started here. */
    services: { brokers: Record<string, string>; registry: string } | null
  }
}

const NEEDED = ['java', 'mvn']

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const missing = NEEDED.filter((program) => !isInstalled(program))
  if (missing.length > 0) {
    const why = `${missing.join(' and ')} not installed (Debian: apt-get install openjdk-17-jre-headless maven)`
    if (process.env.CI) throw new Error(why)
    process.stderr.write(`Skipped, what needs Kafka: ${why}.\n`)
    project.provide('services', null)
    return async () => {}
  }
  const dir = mkdtempSync(join(tmpdir(), 'fcm-services-'))
  const servers: Server[] = []
  const brokers: Record<string, string> = {}
  for (const version of KAFKA_VERSIONS) {
    const broker = await startBroker({ dir: join(dir, version), version })
    servers.push(broker)
    brokers[version] = broker.address
  }
  const registry = await startRegistry({ dir })
  servers.push(registry)
  project.provide('services', { brokers, registry: registry.address })
  return async () => {
    await Promise.all(servers.map((server) => server.stop()))
    rmSync(dir, { recursive: true, force: true })
  }
}

function isInstalled(program: string): boolean {
  try {
    execFileSync('which', [program], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
