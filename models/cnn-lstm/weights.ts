/**
 * Weights on disk: a tfjs layers model, `model.json` (topology and a manifest) beside `weights.bin` (float32, little
 * endian), as tf.loadLayersModel and the converters read it. Reading and writing it needs no tfjs.
 */
import { createHash } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { FcmError } from '../../common/errors.ts'
import {
  type LayerTopology,
  SHAPES,
  sizeOf,
  topology,
  WEIGHT_NAMES,
  type WeightName,
  type Weights,
} from './network.ts'
import type { LayersModel } from './tfjs.ts'

/** The directory of the weights that come with the program. */
export const WEIGHTS_DIR = fileURLToPath(new URL('weights', import.meta.url))

type Spec = { name: string; shape: number[]; dtype: string; quantization?: object }
type Group = { paths: string[]; weights: Spec[] }

/** Throws `WEIGHTS_UNUSABLE` for anything but this very network with finite float32 weights. */
export async function readWeights(dir = WEIGHTS_DIR): Promise<Weights> {
  try {
    const { modelTopology, weightsManifest } = JSON.parse(String(await readFile(join(dir, 'model.json'))))
    const difference = differenceOfTopology(modelTopology)
    if (difference !== undefined) throw new Unusable(`model.json describes another network: ${difference}`)
    const found = new Map<string, Float32Array>()
    for (const group of weightsManifest as Group[]) await readGroup(dir, group, found)
    return Object.fromEntries(WEIGHT_NAMES.map((name) => [name, checked(name, found.get(name))])) as Weights
  } catch (error) {
    throw new FcmError('WEIGHTS_UNUSABLE', { dir, why: whyUnusable(error as NodeJS.ErrnoException) }, error)
  }
}

class Unusable extends Error {}

function whyUnusable(error: NodeJS.ErrnoException): string {
  if (error instanceof Unusable) return error.message
  if (error.path !== undefined) return `${basename(error.path)} can't be read (${error.code})`
  return 'model.json is damaged'
}

async function readGroup(dir: string, group: Group, found: Map<string, Float32Array>): Promise<void> {
  const bytes = Buffer.concat(await Promise.all(group.paths.map((path) => readFile(join(dir, path)))))
  const file = group.paths.join(', ')
  let at = 0
  for (const { name, shape, dtype, quantization } of group.weights) {
    if (dtype !== 'float32' || quantization) throw new Unusable(`${name} is not plain float32`)
    const expected = SHAPES[name as WeightName]
    if (expected && String(shape) !== String(expected)) {
      throw new Unusable(`${name} is ${shape.join(' x ')}, not ${expected.join(' x ')}`)
    }
    const end = at + 4 * shape.reduce((product, side) => product * side, 1)
    if (end > bytes.length) throw new Unusable(`${file} ends within ${name}`)
    found.set(name, floats(bytes.subarray(at, end)))
    at = end
  }
  if (at < bytes.length) throw new Unusable(`${file} has ${bytes.length - at} bytes too many`)
}

function checked(name: WeightName, values: Float32Array | undefined): Float32Array {
  if (!values) throw new Unusable(`${name} is missing`)
  if (!values.every(Number.isFinite)) throw new Unusable(`${name} has a value that is not finite`)
  return values
}

export async function writeWeights(dir: string, weights: Weights): Promise<void> {
  const file = {
    format: 'layers-model',
    generatedBy: 'fcm',
    convertedBy: null,
    modelTopology: { ...topology(), keras_version: 'tfjs-layers 4.22.0', backend: 'tensor_flow.js' },
    weightsManifest: [{ paths: ['weights.bin'], weights: weightSpecs }],
  }
  await mkdir(dir, { recursive: true })
  await writeFile(join(dir, 'weights.bin'), weightBytes(weights))
  await writeFile(join(dir, 'model.json'), `${JSON.stringify(file, null, 1)}\n`)
}

export const weightSpecs = WEIGHT_NAMES.map((name) => ({ name, shape: [...SHAPES[name]], dtype: 'float32' }))

/** As weights.bin holds them. */
export function weightBytes(weights: Weights): Uint8Array<ArrayBuffer> {
  const bytes = new DataView(new ArrayBuffer(4 * WEIGHT_NAMES.reduce((sum, name) => sum + sizeOf(name), 0)))
  let at = 0
  for (const name of WEIGHT_NAMES) {
    for (const value of weights[name]) {
      bytes.setFloat32(at, value, true)
      at += 4
    }
  }
  return new Uint8Array(bytes.buffer)
}

/** First 8 hex digits of the SHA-256 of weights.bin: the name of a model wherever results say what made them. */
export const modelOf = (weights: Weights): string =>
  createHash('sha256').update(weightBytes(weights)).digest('hex').slice(0, 8)

/** A copy of what a model holds now. */
export function weightsOf(model: LayersModel): Weights {
  const layers = ['conv', 'lstm', 'hidden', 'output']
  const tensors = layers.flatMap((name) => model.getLayer(name).getWeights())
  return Object.fromEntries(WEIGHT_NAMES.map((name, i) => [name, tensors[i]!.dataSync().slice()])) as Weights
}

function floats(bytes: Uint8Array): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return Float32Array.from({ length: bytes.byteLength / 4 }, (_, i) => view.getFloat32(4 * i, true))
}

/** In words, how a topology differs from ours in anything that changes the result. */
function differenceOfTopology(found: object | undefined): string | undefined {
  if (!found) return 'it has no topology'
  const model = 'model_config' in found ? (found.model_config as object) : found
  const layers = (model as { config?: { layers?: LayerTopology[] } }).config?.layers
  if (!Array.isArray(layers)) return 'it has no layers'
  const expected = topology().config.layers
  for (const layer of expected) {
    const same = layers.find(({ name }) => name === layer.name)
    if (!same) return `there is no layer "${layer.name}"`
    if (JSON.stringify(same.inbound_nodes) !== JSON.stringify(layer.inbound_nodes)) {
      return `layer "${layer.name}" reads other layers`
    }
    for (const [key, value] of Object.entries(layer.config)) {
      if (key.endsWith('_initializer')) continue
      const there = same.config?.[key]
      if (JSON.stringify(there) !== JSON.stringify(value)) {
        return `${key} of layer "${layer.name}" is ${JSON.stringify(there)}, not ${JSON.stringify(value)}`
      }
    }
  }
  return layers.length > expected.length ? 'it has more layers' : undefined
}
