import { type Command, Option } from 'commander'
import { readConfig, SOURCE_SETTINGS, withSettings } from '../../app/config.ts'
import { type Engine, openEngine, PROCESSING, type Roles } from '../../app/engine.ts'
import { checkOrigin, type Origin } from '../../app/origin.ts'
import { pollLive } from '../../app/polling.ts'
import { serve } from '../../app/serve.ts'
import { publishSimulated } from '../../app/simulated.ts'
import { asOnlySource } from '../../app/source.ts'
import { stopSignal } from '../../app/stopping.ts'
import { FcmError } from '../../common/errors.ts'
import { iso } from '../../common/time.ts'
import { parseFault } from '../../connectors/farcaster/hub-simulator/faults.ts'
import { parseFollow } from '../../connectors/farcaster/source/follow.ts'
import { SEED, SIMULATION_LIVE, SIMULATION_START } from '../../connectors/simulation/source.ts'
import { LIVE } from '../../pipeline/topology.ts'
import { announceAlerts } from '../announce.ts'
import { duration, positiveNumber, time, wholeNumber } from '../options.ts'
import { showProgress } from '../progress.ts'

/** Two bins of five minutes in a second: fast enough to see something happen, slow enough to follow it. */
const SPEED = 600

export function start(program: Command): void {
  withSettings(program.command('start'), [
    ...(['dataDir', 'port', 'partitions', 'batchSize', 'preset', 'scorer'] as const),
    ...SOURCE_SETTINGS,
  ])
    .description(
      'Everything in one process, watching a simulated network, or Farcaster through an MCP server',
    )
    .option('--fresh', 'begin anew: delete all runs in the data directory, backfilled ones too')
    .option('--seed <n>', 'of the simulated network', String(SEED))
    .option('--speed <x>', 'simulated seconds in a second of live time, at most', String(SPEED))
    .option('--sim-until <time>', 'run without pause up to a time, or so long after going live, then exit')
    .addOption(
      new Option(
        '--fault <spec...>',
        'what the simulated hub does wrong: slow, hang, 429, 500, cut, garbage or dangling, each with [,rate=][,seconds=][,match=][,from=][,to=]',
      ).default([], 'nothing'),
    )
    .addHelpText(
      'after',
      '\nExamples:\n  npx fcm start --fresh --seed 7\n  npx fcm start --sim-until 12h --data-dir ./twelve-hours\n' +
        "  npx fcm start --data-dir ./farcaster --mcp 'npx fcm mcp-server --hub https://hub.pinata.cloud' --follow base,art",
    )
    .action(async (flags, command: Command) => {
      const config = readConfig(flags)
      if (config.mcp !== undefined) refuseSimulation(command)
      const plan = {
        seed: wholeNumber('--seed', flags.seed, 2 ** 31),
        speed: positiveNumber('--speed', flags.speed),
        until: flags.simUntil === undefined ? undefined : simulatedTime(flags.simUntil),
        faults: flags.fault as string[],
      }
      for (const spec of plan.faults) parseFault(spec)
      parseFollow(config.follow, config.minFollowers)
      const stop = stopSignal()
      say(`Opening ${config.dataDir} ...`)
      const engine = await openEngine(config, {
        fresh: flags.fresh === true,
        early: true,
        onWaiting,
        onDeleted: (runs) => say(`Deleted: ${runs.join(', ')}.`),
      })
      try {
        await (config.mcp === undefined
          ? watchSimulated(engine, plan, stop)
          : watchLive(engine, config.mcp, stop))
      } finally {
        await engine.close()
      }
    })
}

const say = (line: string): void => void process.stdout.write(`${line}\n`)
const onWaiting = ({ message }: Error): void => void process.stderr.write(`${message}\n`)

/** A time, or a length of time after the simulation goes live: ms. */
const simulatedTime = (value: string): number =>
  /^\d+\w$/.test(value) ? SIMULATION_LIVE + duration('--sim-until', value) : time('--sim-until', value)

/** @throws FcmError OPTION_INVALID for an option that only a simulation has */
function refuseSimulation(command: Command): void {
  const options = { seed: '--seed', speed: '--speed', simUntil: '--sim-until', fault: '--fault' }
  const given = Object.entries(options).find(([name]) => command.getOptionValueSource(name) === 'cli')
  if (given)
    throw new FcmError('OPTION_INVALID', {
      option: given[1],
      why: 'is of the simulation, and --mcp (or FCM_MCP) polls a server',
      hint: 'Leave one of them away',
    })
}

type Plan = { seed: number; speed: number; until: number | undefined; faults: string[] }

async function watchSimulated(engine: Engine, plan: Plan, stop: AbortSignal): Promise<void> {
  const { seed, speed, until, faults } = plan
  const origin: Origin = { kind: 'simulation', seed, speed }
  const history = showProgress('History')
  try {
    await watch(engine, { origin, from: SIMULATION_LIVE }, stop, async ({ caughtUp, timed }, signal) => {
      timed(false)
      const process = () => caughtUp((records) => history.update(1, `${records} records to process`), signal)
      const { finished } = await publishSimulated(engine, {
        seed,
        faults,
        speed: until === undefined ? speed : Number.POSITIVE_INFINITY,
        ...(until === undefined ? {} : { until }),
        signal,
        onHistory(at, live) {
          history.update((at - SIMULATION_START) / (live - SIMULATION_START), `simulated up to ${iso(at)}`)
        },
        async beforeLive() {
          if (until !== undefined) return
          await process()
          if (signal.aborted) return
          timed(true)
          history.done('processed.')
          say(`Live: ${speed} simulated seconds a second. Ctrl-C stops it; npm start goes on from there.`)
        },
        onWaiting,
      })
      if (!finished) return
      await process()
      history.done(`simulated and processed up to ${iso(until!)}.`)
    })
  } finally {
    history.end()
  }
}

async function watchLive(engine: Engine, mcp: string, stop: AbortSignal): Promise<void> {
  const onLive = () =>
    say(
      `Live: polling every ${engine.config.pollSeconds} s. Ctrl-C stops it; the same command goes on from there.`,
    )
  await watch(engine, { origin: { kind: 'server' }, from: Date.now() }, stop, (_roles, signal) =>
    pollLive(engine, mcp, { signal, onWaiting, onLive }),
  )
}

/** Alerts that open at `from` or later are told. */
type Watched = { origin: Origin; from: number }

/** Everything but the source, while `feed` runs. */
async function watch(
  engine: Engine,
  { origin, from }: Watched,
  stop: AbortSignal,
  feed: (roles: Roles, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  if (stop.aborted) return say('Stopped.')
  await engine.openRun(LIVE)
  await checkOrigin(engine.log, LIVE, origin)
  const served = await serve(engine)
  say(`Dashboard: ${served.url}`)
  const stopAnnouncing = announceAlerts(engine.store, from, say)
  let roles: Roles | undefined
  try {
    const started = await engine.start(LIVE, PROCESSING)
    roles = started
    const signal = AbortSignal.any([stop, started.failed])
    await asOnlySource(engine, origin, (held) => feed(started, held), onWaiting, signal)
    started.failed.throwIfAborted()
  } finally {
    stopAnnouncing()
    await roles?.stop()
    await served.close()
  }
  say('Stopped.')
}
