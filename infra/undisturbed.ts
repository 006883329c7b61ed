/** A load whose results are known: those of one process with one partition on the embedded engines that nothing happens to. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readConfig } from '../app/config.ts'
import { openEngines } from '../app/engines.ts'
import { type Feed, recordsOf } from '../app/load/feed.ts'
import { PROCESSING } from '../app/roles/roles.ts'
import { startRoles } from '../app/roles/start.ts'
import { BASE, DAY, HOUR } from '../common/time.ts'
import type { EventLog } from '../pipeline/log/port.ts'
import type { Codec } from '../schemas/codec.ts'

export type Load = { run: string; channels: number; hours: number }

/** The first bin of a load, and the number of its bins. */
export const FIRST = Date.UTC(2026, 0, 5) / BASE
export const binsOf = ({ hours }: Load): number => (hours * HOUR) / BASE
/** Before it nothing is planted: series must have been seen for a day to be judged. */
const QUIET = FIRST + (DAY + 4 * HOUR) / BASE

export const feedOf = ({ run, channels }: Load, log: EventLog, codec: Codec, partitions: number): Feed => ({
  ...{ run, channels, quiet: QUIET },
  engines: { log, codec, config: { partitions } },
})

const WHAT = ['counts', 'signals', 'alerts'] as const
export type Exports = Record<(typeof WHAT)[number], string>

/** Of a run, by `fcm`, which is given a command's arguments and returns what it printed. */
export async function exportsBy(fcm: (args: string[]) => Promise<string>, run: string): Promise<Exports> {
  const texts = {} as Exports
  for (const what of WHAT) texts[what] = await fcm(['export', what, '--run', run])
  return texts
}

/** The load's exports, as `fcm` with these settings prints them, and its number of records. */
export async function undisturbed(
  load: Load,
  fcm: (args: string[], env: Record<string, string>) => Promise<string>,
): Promise<{ answer: Exports; events: number }> {
  const dir = mkdtempSync(join(tmpdir(), 'fcm-undisturbed-'))
  const engines = await openEngines(readConfig({ dataDir: dir, partitions: 1 }, {}))
  await engines.openRun(load.run)
  const roles = await startRoles(engines, load.run, PROCESSING)
  const feed = feedOf(load, engines.log, engines.codec, 1)
  let events = 0
  for (let bin = FIRST; bin < FIRST + binsOf(load); bin++) {
    const records = recordsOf(feed, bin)
    events += records.length
    await engines.log.append(records)
  }
  await roles.caughtUp(() => {}, new AbortController().signal)
  await roles.stop()
  await engines.close()
  const answer = await exportsBy((args) => fcm(args, { FCM_DATA_DIR: dir }), load.run)
  rmSync(dir, { recursive: true })
  return { answer, events }
}
