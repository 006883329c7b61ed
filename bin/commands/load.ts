import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import { readConfig } from '../../app/config.ts'
import { findLargest } from '../../app/load/find.ts'
import { BUDGET_MS, type Figures } from '../../app/load/measure.ts'
import { underLoad } from '../../app/load/under-load.ts'
import { stopSignal } from '../../app/stopping.ts'
import { FcmError } from '../../common/errors.ts'
import { positiveNumber, wholeNumber } from '../options.ts'
import { showProgress } from '../progress.ts'
import { withSettings } from '../settings.ts'
import { table } from '../table.ts'

export function load(program: Command): void {
  withSettings(program.command('load'), ['partitions', 'batchSize', 'preset'])
    .description(
      'Measure how long alerts take under load, from the log to the database: embedded, or Kafka and PostgreSQL',
    )
    .option('--series <n>', 'series that close together', '1000')
    .option('--rate <n>', 'events a second', '1000')
    .option('--alerts <n>', 'alert events to measure over, at least', '1000')
    .option('--find', 'look for the largest rate at which the budget holds, from --rate on')
    .option(
      '--data-dir <dir>',
      'where to keep it, to go on from there (default: a directory that is deleted)',
    )
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  npx fcm load\n  npx fcm load --series 200 --rate 500 --alerts 100 --find',
    )
    .action(async (flags) => {
      const plan = {
        series: atLeastOne('--series', flags.series),
        rate: positiveNumber('--rate', flags.rate),
        alerts: atLeastOne('--alerts', flags.alerts),
      }
      const stop = stopSignal()
      const dir = flags.dataDir ?? (await mkdtemp(join(tmpdir(), 'fcm-load-')))
      try {
        const { databaseUrl, ...rest } = readConfig({ ...flags, dataDir: dir, port: 0 })
        // Either all of the engines are embedded, or none.
        const config = rest.kafkaBrokers === undefined ? rest : { ...rest, databaseUrl: databaseUrl! }
        // Each rate begins with a database of its own: alerts of earlier trials would weigh on the later ones.
        const trial = async (rate: number) => {
          const dataDir = flags.find ? join(dir, String(rate)) : dir
          const history = showProgress('History')
          const under = {
            ...{ ...plan, rate },
            onHistory: (share: number, bin: number) => history.update(share, `bin ${bin}`),
            onReady: () => history.done('written and processed.'),
            onWaiting: ({ message }: Error) => void process.stderr.write(`${message}\n`),
          }
          const figures = await underLoad({ ...config, dataDir }, under, stop).finally(history.end)
          if (!flags.json && !stop.aborted) process.stdout.write(text(figures))
          return figures
        }
        const trials = flags.find ? await findLargest(trial, plan.rate, stop) : [await trial(plan.rate)]
        if (stop.aborted) return
        const largest = Math.max(0, ...trials.flatMap(({ holds, rate }) => (holds ? [rate] : [])))
        if (flags.json) {
          const found = { series: plan.series, budget: BUDGET_MS, trials, ...(flags.find ? { largest } : {}) }
          process.stdout.write(`${JSON.stringify(found, null, 2)}\n`)
        } else if (flags.find)
          process.stdout.write(`The largest rate at which it holds: ${largest} events/s.\n`)
      } finally {
        if (flags.dataDir === undefined) await rm(dir, { recursive: true, force: true })
      }
    })
}

const TITLES: Record<keyof Figures['hops'], string> = {
  count: 'count: from the record that decides to the closed bin',
  detect: 'detect: to the alert event',
  store: 'store: to its commit',
  decision: 'decision: all of it',
  late: 'the load, behind its own schedule',
}

function text({ rate, events, closes, hops, holds }: Figures): string {
  const ms = (x: number | null) => (x === null ? '-' : Math.round(x))
  const rows = Object.entries(TITLES).map(([hop, title]) => {
    const { n, p50, p90, p99, max } = hops[hop as keyof Figures['hops']]
    return [title, n, ms(p50), ms(p90), ms(p99), ms(max)]
  })
  return (
    `\n${rate} events/s wanted, ${Math.round(events)} appended; ${closes} closes of all series at once.\n` +
    `${table(['ms', 'n', 'p50', 'p90', 'p99', 'max'], rows, '')}` +
    `p99 of the decision is ${ms(hops.decision.p99)} ms: the budget of ${BUDGET_MS} ms ${holds ? 'holds' : 'is broken'}.\n`
  )
}

function atLeastOne(option: string, value: string): number {
  const number = wholeNumber(option, value, 1_000_000)
  if (number > 0) return number
  throw new FcmError('OPTION_INVALID', {
    option: `${option} "${value}"`,
    why: 'must be above 0',
    hint: `For example ${option} 100`,
  })
}
