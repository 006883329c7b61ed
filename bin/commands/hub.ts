import { type Command, Option } from 'commander'
import { stopped, stopSignal } from '../../app/stopping.ts'
import { iso } from '../../common/time.ts'
import { archiveData } from '../../connectors/farcaster/hub-simulator/archived.ts'
import { drivenClock, ownClock } from '../../connectors/farcaster/hub-simulator/clock.ts'
import type { HubData } from '../../connectors/farcaster/hub-simulator/data.ts'
import { parseFault } from '../../connectors/farcaster/hub-simulator/faults.ts'
import { createHub } from '../../connectors/farcaster/hub-simulator/hub.ts'
import { simulatedData } from '../../connectors/farcaster/hub-simulator/simulated.ts'
import { SEED } from '../../connectors/simulation/simulation.ts'
import { positiveNumber, time, wholeNumber } from '../options.ts'

export function hub(program: Command): void {
  program
    .command('hub')
    .description('A Farcaster hub over HTTP: a simulated network, or an archive')
    .option('--port <port>', 'where it listens, on 127.0.0.1; 0: any free one', '3381')
    .option('--seed <n>', 'of the simulated network', String(SEED))
    .addOption(
      new Option(
        '--archive <file...>',
        'serve these files of hub messages (NDJSON, also with gzip)',
      ).conflicts('seed'),
    )
    .option(
      '--at <time>',
      'when its clock starts, in UTC (default: when the simulation goes live; the last message of an archive)',
    )
    .option('--speed <x>', "its seconds in one of the wall clock's; 0: its clock stands still", '1')
    .addOption(
      new Option('--driven', 'its clock is set by PUT /clock; it ends with its standard input').conflicts([
        'at',
        'speed',
      ]),
    )
    .option(
      '--fault <spec...>',
      'misbehave: slow, hang, 429, 500, cut, garbage or dangling, each with [,rate=][,seconds=][,match=][,from=][,to=]',
    )
    .addOption(
      new Option('--errors <family>', 'the form of its errors')
        .choices(['snapchain', 'hubble'])
        .default('snapchain'),
    )
    .addHelpText(
      'after',
      '\nExamples:\n  npx fcm hub --speed 60\n  npx fcm hub --archive casts.hub.ndjson.gz --at 2024-02-05 --fault 429,rate=0.1',
    )
    .action(async (flags) => {
      const port = wholeNumber('--port', flags.port, 65535)
      const at = flags.at === undefined ? undefined : time('--at', flags.at)
      const speed = flags.speed === '0' ? 0 : positiveNumber('--speed', flags.speed)
      const faults = (flags.fault ?? []).map(parseFault)
      const seed = wholeNumber('--seed', flags.seed, 2 ** 31)
      const data = flags.archive ? await openArchive(flags.archive) : simulatedData(seed)
      const stop = stopSignal()
      const clock = flags.driven ? drivenClock() : ownClock(at ?? data.live, speed)
      const served = await createHub({ data, clock, faults, errors: flags.errors, port })
      const when = flags.driven
        ? 'its clock is driven'
        : `from ${iso(at ?? data.live)} at ${speed} x the wall clock`
      process.stdout.write(`Hub: ${served.url} (${data.name}; ${when})\n`)
      await stopped(flags.driven ? AbortSignal.any([stop, stdinEnds()]) : stop)
      // What is still open there would keep the process alive.
      process.stdin.destroy()
      await served.close()
    })
}

async function openArchive(files: string[]): Promise<HubData> {
  const { data, skipped } = await archiveData(files)
  if (skipped > 0) {
    const lines = skipped === 1 ? 'line is' : 'lines are'
    process.stderr.write(`${skipped} ${lines} no message that a hub serves: left out.\n`)
  }
  return data
}

/** Aborted when standard input ends: whoever drove this process is gone. */
function stdinEnds(): AbortSignal {
  const ended = new AbortController()
  for (const event of ['end', 'close', 'error'] as const) process.stdin.once(event, () => ended.abort())
  process.stdin.resume()
  return ended.signal
}
