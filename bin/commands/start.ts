import type { Command } from 'commander'
import { iso } from '../../common/time.ts'
import { SIMULATION_LIVE, SIMULATION_START } from '../../connectors/simulation/source.ts'
import { LIVE } from '../../pipeline/topology.ts'
import { announceAlerts } from '../announce.ts'
import { readConfig, withSettings } from '../config.ts'
import { type Engine, openEngine, PROCESSING, type Roles } from '../engine.ts'
import { duration, positiveNumber, time, wholeNumber } from '../options.ts'
import { showProgress } from '../progress.ts'
import { serve } from '../serve.ts'
import { checkSeed, noticeOf, publishSimulated } from '../simulated.ts'
import { stopSignal } from '../stopping.ts'

/** Two bins of five minutes in a second: fast enough to see something happen, slow enough to follow it. */
const SPEED = 600
/** A network in which something is about to happen when it goes live. */
const SEED = 7

export function start(program: Command): void {
  withSettings(program.command('start'), ['dataDir', 'port', 'partitions', 'batchSize', 'preset'])
    .description('Everything in one process, watching a simulated network')
    .option('--fresh', 'begin anew: delete all runs in the data directory, backfilled ones too')
    .option('--seed <n>', 'of the simulated network', String(SEED))
    .option('--speed <x>', 'simulated seconds in a second of live time', String(SPEED))
    .option('--sim-until <time>', 'run without pause up to a time, or so long after going live, then exit')
    .addHelpText(
      'after',
      '\nExamples:\n  npx fcm start --fresh --seed 7\n  npx fcm start --sim-until 12h --data-dir ./twelve-hours',
    )
    .action(async (flags) => {
      const config = readConfig(flags)
      const plan = {
        seed: wholeNumber('--seed', flags.seed, 2 ** 31),
        speed: positiveNumber('--speed', flags.speed),
        until: flags.simUntil === undefined ? undefined : simulatedTime(flags.simUntil),
      }
      const stop = stopSignal()
      say(`Opening ${config.dataDir}; the first time takes some seconds ...`)
      const engine = await openEngine(config, {
        fresh: flags.fresh === true,
        onWaiting,
        onDeleted: (runs) => say(`Deleted: ${runs.join(', ')}.`),
      })
      try {
        await watch(engine, plan, stop)
      } finally {
        await engine.close()
      }
    })
}

const say = (line: string): void => void process.stdout.write(`${line}\n`)
const onWaiting = ({ message }: Error): void => void process.stderr.write(`Waiting. ${message}\n`)

/** A time, or a length of time after the simulation goes live: ms. */
const simulatedTime = (value: string): number =>
  /^\d+\w$/.test(value) ? SIMULATION_LIVE + duration('--sim-until', value) : time('--sim-until', value)

type Plan = { seed: number; speed: number; until: number | undefined }

async function watch(engine: Engine, { seed, speed, until }: Plan, stop: AbortSignal): Promise<void> {
  await checkSeed(engine.dir, seed)
  await engine.openRun(LIVE)
  const served = await serve(engine, noticeOf(seed, speed))
  say(`Dashboard: ${served.url}`)
  const history = showProgress('History')
  const stopAnnouncing = announceAlerts(engine.store, SIMULATION_LIVE, say)
  let roles: Roles | undefined
  try {
    roles = await engine.start(LIVE, PROCESSING)
    const { failed, caughtUp } = roles
    const signal = AbortSignal.any([stop, failed])
    const process = () => caughtUp((records) => history.update(1, `${records} records to process`), signal)
    const { finished } = await publishSimulated(engine, {
      seed,
      speed: until === undefined ? speed : Number.POSITIVE_INFINITY,
      ...(until === undefined ? {} : { until }),
      signal,
      onHistory(at, live) {
        history.update((at - SIMULATION_START) / (live - SIMULATION_START), `simulated up to ${iso(at)}`)
      },
      async beforeLive() {
        if (until !== undefined) return
        await process()
        history.done('processed.')
        say(`Live: ${speed} simulated seconds a second. Ctrl-C stops it; npm start goes on from there.`)
      },
      onWaiting,
    })
    if (finished) {
      await process()
      history.done(`simulated and processed up to ${iso(until!)}.`)
    }
    failed.throwIfAborted()
  } finally {
    history.end()
    stopAnnouncing()
    await roles?.stop()
    await served.close()
  }
  say('Stopped.')
}
