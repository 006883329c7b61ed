/** Gets Kafka and the schema registry from Maven's repository, once. Needs `mvn`. */
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const HERE = import.meta.dirname
const KEPT = join(HERE, '.packages')

/** The newest, and the one before the protocol's cleaning-up of 4.0. Both are tested. */
export const KAFKA_VERSIONS = ['4.3.1', '3.9.2'] as const
/** The newest that runs on Java 17 and was published. */
export const REGISTRY_VERSION = '3.0.9'

const MAVEN = ['-B', '-q']
const COPY = 'org.apache.maven.plugins:maven-dependency-plugin:2.8'

/** A directory with the jars of that version. */
export const kafkaJars = (version: string): Promise<string> =>
  once(`kafka-${version}`, (dir) =>
    maven(
      ...['-f', join(HERE, 'pom.xml'), `${COPY}:copy-dependencies`, '-DincludeScope=runtime'],
      ...[`-Dkafka.version=${version}`, `-DoutputDirectory=${dir}`],
    ),
  )

/** The jar that the registry is started with. */
export async function registryJar(): Promise<string> {
  const dir = await once(`apicurio-${REGISTRY_VERSION}`, async (to) => {
    const artifact = `io.apicurio:apicurio-registry-app:${REGISTRY_VERSION}:tar.gz:all`
    await maven(`${COPY}:copy`, `-Dartifact=${artifact}`, `-DoutputDirectory=${to}`)
    const [archive] = readdirSync(to).filter((name) => name.endsWith('.tar.gz'))
    await run('tar', ['xzf', join(to, archive!), '-C', to])
    rmSync(join(to, archive!))
  })
  const jar = readdirSync(dir).find((name) => name.endsWith('-runner.jar') || name === 'quarkus-run.jar')
  return join(dir, jar!)
}

/** Makes a directory whole, or not at all. */
async function once(name: string, make: (dir: string) => Promise<unknown>): Promise<string> {
  const dir = join(KEPT, name)
  if (existsSync(dir)) return dir
  const incomplete = join(KEPT, `${name}.${process.pid}`)
  rmSync(incomplete, { recursive: true, force: true })
  mkdirSync(incomplete, { recursive: true })
  process.stderr.write(`Getting ${name} from Maven's repository ...\n`)
  await make(incomplete)
  // Another process may have been faster.
  if (existsSync(dir)) rmSync(incomplete, { recursive: true, force: true })
  else renameSync(incomplete, dir)
  return dir
}

async function maven(...args: string[]): Promise<void> {
  try {
    await run('mvn', [...MAVEN, ...args], { maxBuffer: 2 ** 26 })
  } catch (error) {
    const { code, stdout, message } = error as Error & { code?: string; stdout?: string }
    if (code === 'ENOENT')
      throw new Error('Maven is not installed (Debian: apt-get install maven openjdk-17-jre-headless).')
    throw new Error(`Maven could not get it: ${stdout?.trim().split('\n')[0] || message}`)
  }
}
