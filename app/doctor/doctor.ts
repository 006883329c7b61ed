/** What fcm needs, looked at from this machine: itself, the disk, the engines, and how what is there is doing. */
import { existsSync } from 'node:fs'
import { access, constants, statfs } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { About, Lag, Run } from '../../api/contracts/ops.ts'
import type { Source } from '../../api/contracts/source.ts'
import { SECOND } from '../../common/time.ts'
import { openServer } from '../../connectors/farcaster/source/mcp/open-server.ts'
import { type Client, connect } from '../client.ts'
import type { Config } from '../config.ts'
import { hasLog } from '../data-directory.ts'
import { targetOf } from '../sources/polling.ts'
import { examineDeployment } from './deployment.ts'
import { examine, type Finding } from './finding.ts'
import { hasBegun, lagFinding, rolesOfLive, sourceFinding, workFinding } from './work.ts'

const ENOUGH_BYTES = 2 * 2 ** 30

/** @throws FcmError OPTION_INVALID for a setting that is missing */
export async function examineAll(config: Config): Promise<Finding[]> {
  const onKafka = config.kafkaBrokers !== undefined
  const dir = resolve(config.dataDir)
  const [disk, outside, server] = await Promise.all([
    // On Kafka nothing but a log file is kept in it.
    onKafka && !existsSync(dir) ? [] : dataDir(dir),
    onKafka ? examineDeployment(config) : [],
    config.mcp === undefined ? [] : examine('MCP server', () => mcpServer(config)),
  ])
  const isOpenable = onKafka ? outside.every(({ state }) => state !== 'broken') : hasLog(dir)
  const within = isOpenable ? await examine('Log and database', () => inside(config)) : []
  return [node(), ...disk, ...outside, ...server, ...within]
}

function node(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  return major > 22 || (major === 22 && minor >= 18)
    ? { check: 'Node.js', state: 'ok', found: process.version }
    : {
        check: 'Node.js',
        state: 'broken',
        found: process.version,
        mend: 'Run it with npx fcm, which brings Node 22.',
      }
}

async function dataDir(dir: string): Promise<Finding[]> {
  if (!existsSync(dir)) {
    const mend = '`fcm start`, `fcm run` and `fcm backfill` make one; --data-dir names another.'
    return [{ check: 'Data directory', state: 'attention', found: `there is none yet at ${dir}`, mend }]
  }
  try {
    await access(dir, constants.W_OK)
  } catch (error) {
    const found = (error as Error).message
    return [{ check: 'Data directory', state: 'broken', found, mend: 'Give another with --data-dir.' }]
  }
  const { bavail, bsize } = await statfs(dir)
  const free = bavail * bsize
  const found = `${(free / 2 ** 30).toFixed(1)} GiB free`
  return [
    { check: 'Data directory', state: 'ok', found: dir },
    free >= ENOUGH_BYTES
      ? { check: 'Disk', state: 'ok', found }
      : {
          check: 'Disk',
          state: 'attention',
          found,
          mend: 'Free some space: a full disk makes processing wait.',
        },
  ]
}

async function mcpServer(config: Config): Promise<Finding[]> {
  const server = await openServer(targetOf(config))
  const found = `it tells of ${server.measures.join(', ')}`
  await server.close()
  return [{ check: 'MCP server', state: 'ok', found }]
}

/** Opens what is there, or asks the process that owns it. */
async function inside(config: Config): Promise<Finding[]> {
  const onKafka = config.kafkaBrokers !== undefined
  const client = await connect(config)
  try {
    await client.json({ path: '/readyz' })
    const { items } = await client.json<{ items: Run[] }>({ path: '/v1/runs' })
    const { items: lag } = await client.json<{ items: Lag[] }>({ path: '/v1/ops/lag' })
    const atWork = await rolesOfLive(client, config)
    const database: Finding = {
      ...{ check: 'Database', state: 'ok' },
      found: config.databaseUrl ? 'the server of DATABASE_URL answers' : 'the embedded one answers',
    }
    return [
      ...(onKafka ? [] : [database]),
      { check: 'Runs', state: 'ok', found: items.map(({ run }) => run).join(', ') || 'none yet' },
      workFinding(atWork, hasBegun(lag)),
      lagFinding(lag),
      ...(await source(client, config)),
    ]
  } finally {
    await client.close()
  }
}

/** Of run `live`; nothing where it has no source that polls. */
async function source(client: Client, { pollSeconds }: Config): Promise<Finding[]> {
  const { round, ...polls } = await client.json<Source>({ path: '/v1/ops/source?run=live' })
  if (!round) return []
  // A simulated network, which alone has a notice, has a clock of its own, which stands while nobody polls.
  const { notice } = await client.json<About>({ path: '/v1/about' })
  return [sourceFinding({ round, ...polls }, notice === null ? Date.now() : null, pollSeconds * SECOND)]
}
