/** For tests: made-up weights and rows, the same from the same seed on every machine (no logarithm is involved). */
import { env } from 'node:process'
import { createRandom } from '../random.ts'
import { ROW } from './inputs.ts'
import { SHAPES, sizeOf, WEIGHT_NAMES, type WeightName, type Weights } from './network.ts'
import { loadTfjs } from './tfjs.ts'

/** Uniform, about as large as training makes them; `scale` times as large. */
export function randomWeights(seed: number, scale = 1): Weights {
  const random = createRandom(seed)
  const side = (name: WeightName) =>
    scale * Math.sqrt(3 / (SHAPES[name][0] * (name.startsWith('conv') ? 4 : 1)))
  return fill((name) => (2 * random.next() - 1) * side(name))
}

/** All zeros but what is given, as [weight, index, value]. */
export function sparseWeights(...values: [WeightName, number, number][]): Weights {
  const weights = fill(() => 0)
  for (const [name, index, value] of values) weights[name][index] = value
  return weights
}

const fill = (value: (name: WeightName) => number): Weights =>
  Object.fromEntries(
    WEIGHT_NAMES.map((name) => [name, Float32Array.from({ length: sizeOf(name) }, () => value(name))]),
  ) as Weights

/** Uniform in [-reach, reach]. */
export function randomRows(seed: number, count: number, reach = 3): Float32Array {
  const random = createRandom(seed)
  return Float32Array.from({ length: count * ROW }, () => (2 * random.next() - 1) * reach)
}

/** Where TensorFlow is not installed its tests are skipped; in CI they fail. */
export const skipsTfjs = async (): Promise<boolean> =>
  env.CI === undefined &&
  (await loadTfjs().then(
    () => false,
    () => true,
  ))

/** What a skipped test says in its name. */
export const NOT_INSTALLED = 'not installed: npm run tfjs-node:install'
