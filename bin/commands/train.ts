import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { makeDirectory } from '../../app/files.ts'
import { FcmError } from '../../common/errors.ts'
import { loadTfjs } from '../../models/cnn-lstm/tfjs.ts'
import { modelOf, writeWeights } from '../../models/cnn-lstm/weights.ts'
import type { Dataset } from '../../models/training/dataset.ts'
import { generate } from '../../models/training/generate.ts'
import { BASE_RATE, type Epoch, train } from '../../models/training/train.ts'
import { atLeast, wholeNumber } from '../options.ts'
import { showProgress } from '../progress.ts'

const SIZES = {
  whole: { series: 50_000, epochs: 10 },
  quick: { series: 8000, epochs: 5 },
}
/** Series that choose the epoch and calibrate the score, as a share of those trained on. */
const HELD_OUT = 0.1

export function trainNetwork(program: Command): void {
  program
    .command('train')
    .description('Train the CNN-LSTM on simulated series; needs TensorFlow (npm run tfjs-node:install)')
    .option('--out <dir>', 'where the weights go', 'weights')
    .option(
      '--quick',
      `${SIZES.quick.series} series, ${SIZES.quick.epochs} epochs: about 3 minutes on 2 cores`,
    )
    .option('--seed <n>', 'of the series and the first weights', '1')
    .option('--series <n>', `how many to train on (${SIZES.whole.series})`)
    .option('--epochs <n>', `at most (${SIZES.whole.epochs})`)
    .addHelpText(
      'after',
      '\nExamples:\n  npx fcm train --quick\n  npx fcm train --out models/cnn-lstm/weights',
    )
    .action(async (flags) => {
      const size = flags.quick ? SIZES.quick : SIZES.whole
      const seed = wholeNumber('--seed', flags.seed)
      const series = atLeast(100, '--series', flags.series ?? String(size.series), 1000)
      const epochs = atLeast(1, '--epochs', flags.epochs ?? String(size.epochs), 10)
      const tf = await loadTfjs()
      const out = await writable(flags.out)
      const heldOut = Math.round(series * HELD_OUT)
      const datasets = {
        train: await simulate('training', seed, series),
        validation: await simulate('validation', seed, heldOut),
        calibration: await simulate('calibration', seed, heldOut),
      }
      const { weights, best, calibration } = await learn({ tf, seed, epochs, ...datasets })
      await writeWeights(out, weights)
      process.stdout.write(
        [
          `Model ${modelOf(weights)} in ${out}`,
          `seed ${seed}, family hawkes: ${describe(datasets.train, series)} trained on, ${describe(datasets.validation, heldOut)} to choose the epoch, ${describe(datasets.calibration, heldOut)} to calibrate`,
          `epoch ${best.epoch} was the best of at most ${epochs}: validation loss ${best.validationLoss.toFixed(4)}, ROC AUC ${best.validationAuc.toFixed(4)}`,
          `calibrated for a base rate of ${BASE_RATE}: logit x ${calibration.slope.toFixed(3)} ${calibration.shift < 0 ? '-' : '+'} ${Math.abs(calibration.shift).toFixed(3)}`,
          '',
        ].join('\n'),
      )
    })
}

/** Found out before the training, not after it. */
async function writable(dir: string): Promise<string> {
  const out = resolve(dir)
  try {
    await makeDirectory(out)
    await access(out, constants.W_OK)
    return out
  } catch (error) {
    throw new FcmError('OPTION_INVALID', {
      option: `--out "${dir}"`,
      why: `can't be written (${(error as NodeJS.ErrnoException).code})`,
      hint: 'For example --out weights',
    })
  }
}

const describe = ({ labels }: Dataset, series: number): string =>
  `${labels.length} windows of ${series} series (${Math.round((100 * labels.filter((x) => x === 1).length) / labels.length)} % tip)`

async function simulate(name: string, seed: number, series: number): Promise<Dataset> {
  const progress = showProgress(`Simulating for ${name}`)
  try {
    const onProgress = (done: number): void => progress.update(done / series, `${done} series`)
    const data = await generate({ seed: `${name} ${seed}`, family: 'hawkes', series, onProgress })
    progress.done(describe(data, series))
    return data
  } finally {
    progress.end()
  }
}

async function learn(options: Omit<Parameters<typeof train>[0], 'onBatch' | 'onEpoch'>) {
  const progress = showProgress('Training')
  const say = ({ epoch, loss, validationLoss, validationAuc }: Epoch): string =>
    `epoch ${epoch}: loss ${loss.toFixed(4)}, validation ${validationLoss.toFixed(4)}, AUC ${validationAuc.toFixed(4)}`
  let last = 'epoch 1'
  try {
    const trained = await train({
      ...options,
      onBatch: (share) => progress.update(share, last),
      onEpoch: (epoch) => {
        last = say(epoch)
      },
    })
    progress.done(say(trained.best))
    return trained
  } finally {
    progress.end()
  }
}
