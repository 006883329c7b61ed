/**
 * TensorFlow.js as far as it is used here. @tensorflow/tfjs-node is an optional install with its own prefix
 * (infra/tfjs-node), so neither it nor its types can be named in an import.
 */
import { createRequire } from 'node:module'
import { env } from 'node:process'
import { FcmError } from '../../common/errors.ts'

export type Tensor = { dataSync(): Float32Array; dispose(): void }

export type Layer = { getWeights(): Tensor[]; setWeights(weights: Tensor[]): void }

export type Optimizer = { learningRate?: number; dispose(): void }

export type LayersModel = {
  getLayer(name: string): Layer
  predictOnBatch(inputs: Tensor[]): Tensor
  compile(options: { optimizer: Optimizer; loss: string }): void
  /** The loss. */
  trainOnBatch(inputs: Tensor[], targets: Tensor): Promise<number | number[]>
  save(handler: object): Promise<object>
  dispose(): void
}

export type Tf = {
  train: { adam(learningRate: number): Optimizer }
  io: { fromMemory(artifacts: object): object; fileSystem(path: string): object }
  loadLayersModel(handler: object): Promise<LayersModel>
  tensor(values: Float32Array, shape: number[]): Tensor
  tidy<T>(compute: () => T): T
}

/** Loads TensorFlow, once. Throws `TFJS_NODE_MISSING` where it is not installed or does not load. */
export async function loadTfjs(): Promise<Tf> {
  const require = createRequire(new URL('../../infra/tfjs-node/package.json', import.meta.url))
  // Only written, to spare people TensorFlow's greeting about this machine's instructions.
  env.TF_CPP_MIN_LOG_LEVEL ??= '2'
  // It calls these two, which Node warns of, and has taken away in version 23.
  Object.assign(require('node:util'), { isArray: Array.isArray, isNullOrUndefined })
  try {
    return require('@tensorflow/tfjs-node') as Tf
  } catch (error) {
    throw new FcmError('TFJS_NODE_MISSING', { why: whyMissing(error) }, error)
  }
}

const isNullOrUndefined = (value: unknown): boolean => value === null || value === undefined

function whyMissing(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  return code === 'MODULE_NOT_FOUND' ? 'it is not installed' : `it does not load (${message.split('\n')[0]})`
}
