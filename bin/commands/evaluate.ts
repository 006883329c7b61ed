import type { Command } from 'commander'
import { figuresOf } from '../../app/evaluation/figures.ts'
import { networkReport } from '../../app/evaluation/network-report.ts'
import { type Watched, type WatchOptions, watchNetwork } from '../../app/evaluation/watching.ts'
import { FcmError } from '../../common/errors.ts'
import { BACKENDS, type Backend, openScorer } from '../../models/cnn-lstm/scorer.ts'
import { readWeights } from '../../models/cnn-lstm/weights.ts'
import { evaluate } from '../../models/evaluation/evaluate.ts'
import { FAMILIES } from '../../models/simulation/series/series.ts'
import { atLeast, wholeNumber } from '../options.ts'
import { type Progress, showProgress } from '../progress.ts'
import { report } from '../score-report.ts'

const LEAST_SERIES = 20

export function evaluateScore(program: Command): void {
  program
    .command('evaluate')
    .description('Hold the score against its baselines, on simulated series that it was not trained on')
    .option('--family <names>', `of ${FAMILIES.join(', ')}, comma-separated`, FAMILIES.join(','))
    .option('--series <n>', 'series per family and mean', '400')
    .option('--seed <n>', 'of the series', '1')
    .option('--scorer <name>', BACKENDS.join(', '), BACKENDS[0])
    .option('--weights <dir>', 'those to evaluate (the ones that come with fcm)')
    .option(
      '--networks <n>',
      'instead: the alerts on so many whole simulated networks, the first of seed --seed',
    )
    .option(
      '--polled',
      'with --networks: as a polling source sees them, which learns of replies and reactions late',
    )
    .option('--json', 'all figures as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  npx fcm evaluate\n  npx fcm evaluate --family contact --series 2000\n  npx fcm evaluate --networks 20 --seed 101 --polled',
    )
    .action(async (flags) => {
      const families = flags.family.split(',').map((name: string) => oneOf('--family', name.trim(), FAMILIES))
      const seed = wholeNumber('--seed', flags.seed)
      if (flags.polled && flags.networks === undefined) {
        throw new FcmError('OPTION_INVALID', {
          option: '--polled',
          why: 'is about whole networks: series alone have no source',
          hint: 'For example --networks 20 --polled',
        })
      }
      const series = atLeast(
        LEAST_SERIES,
        '--series',
        flags.series,
        20 * LEAST_SERIES,
        `must be more: fewer than ${LEAST_SERIES} tell nothing`,
      )
      const networks = flags.networks === undefined ? 0 : atLeast(1, '--networks', flags.networks, 20)
      const backend = oneOf<Backend>('--scorer', flags.scorer, BACKENDS)
      const scorer = await openScorer(backend, flags.weights && (await readWeights(flags.weights)))
      const progress = showProgress('Evaluating')
      try {
        if (networks > 0) {
          const options = { scoring: scorer, polled: flags.polled === true }
          const figures = await evaluateNetworks(seed, networks, options, progress)
          progress.end()
          process.stdout.write(flags.json ? `${JSON.stringify(figures, null, 2)}\n` : networkReport(figures))
          return
        }
        const result = await evaluate({ scorer, seed, families, series, onProgress: progress.update })
        progress.end()
        process.stdout.write(flags.json ? `${JSON.stringify(result, null, 2)}\n` : report(result))
      } finally {
        progress.end()
        await scorer.close()
      }
    })
}

async function evaluateNetworks(seed: number, n: number, options: WatchOptions, progress: Progress) {
  const watched: Watched[] = []
  for (let i = 0; i < n; i++) {
    const onDay = (share: number): void => progress.update((i + share) / n, `network ${seed + i}`)
    watched.push(await watchNetwork(seed + i, options, onDay))
  }
  return figuresOf(watched, options.polled)
}

function oneOf<T extends string>(option: string, value: string, all: readonly T[]): T {
  const found = all.find((name) => name === value)
  if (found) return found
  throw new FcmError('OPTION_INVALID', {
    option: `${option} "${value}"`,
    why: `must be ${option === '--family' ? 'of ' : 'one of '}${all.join(', ')}`,
    hint: `For example ${option} ${all[0]}`,
  })
}
