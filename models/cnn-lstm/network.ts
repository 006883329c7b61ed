/**
 * The network, as data: the topology that a tfjs layers model has (Keras' JSON), and the shapes of its weights.
 * A convolution finds shapes a few bins long, pooling halves the detail twice, the LSTM reads them in order, and what
 * it ends with is judged together with the context. After Bury et al. 2021 (PNAS 118, e2106140118), much smaller.
 */
import { BINS, CONTEXT, FEATURES } from './inputs.ts'
import type { LayersModel, Tf } from './tfjs.ts'

export const FILTERS = 32
export const TAPS = 8
export const POOL = 4
export const STEPS = BINS / POOL
export const UNITS = 24
export const HIDDEN = 16

/** "Same" padding of an even kernel, as tfjs and Keras do it: this many zeros before, the rest after. */
export const PAD = (TAPS - 1) >> 1

/** In the order of weights.bin. Row-major; the gates of the LSTM follow one another as input, forget, cell, output. */
export const SHAPES = {
  'conv/kernel': [TAPS, FEATURES, FILTERS],
  'conv/bias': [FILTERS],
  'lstm/kernel': [FILTERS, 4 * UNITS],
  'lstm/recurrent_kernel': [UNITS, 4 * UNITS],
  'lstm/bias': [4 * UNITS],
  'hidden/kernel': [UNITS + CONTEXT, HIDDEN],
  'hidden/bias': [HIDDEN],
  'output/kernel': [HIDDEN, 1],
  'output/bias': [1],
} as const

export type WeightName = keyof typeof SHAPES
export type Weights = Record<WeightName, Float32Array>

export const WEIGHT_NAMES = Object.keys(SHAPES) as WeightName[]
export const sizeOf = (name: WeightName): number => SHAPES[name].reduce((size, side) => size * side, 1)

export type LayerTopology = {
  name: string
  class_name: string
  config: Record<string, unknown>
  inbound_nodes: unknown[]
}

/** `seed` is that of the initial weights; what stands in a file of weights has seed 0, which says nothing there. */
export function topology(seed = 0): { class_name: string; config: { layers: LayerTopology[] } } {
  const initial = (name: string, offset: number) => ({ class_name: name, config: { seed: seed + offset } })
  const layer = (
    name: string,
    type: string,
    inputs: string[],
    config: Record<string, unknown>,
  ): LayerTopology => ({
    name,
    class_name: type,
    config: { name, ...config },
    inbound_nodes: inputs.length > 0 ? [inputs.map((input) => [input, 0, 0, {}])] : [],
  })
  const input = (name: string, shape: number[]): LayerTopology =>
    layer(name, 'InputLayer', [], { batch_input_shape: [null, ...shape], dtype: 'float32', sparse: false })
  const config = {
    name: 'cnn-lstm',
    layers: [
      input('series', [BINS, FEATURES]),
      input('context', [CONTEXT]),
      layer('conv', 'Conv1D', ['series'], {
        filters: FILTERS,
        kernel_size: [TAPS],
        strides: [1],
        padding: 'same',
        dilation_rate: [1],
        activation: 'relu',
        use_bias: true,
        kernel_initializer: initial('GlorotUniform', 1),
      }),
      layer('pool', 'MaxPooling1D', ['conv'], { pool_size: [POOL], strides: [POOL], padding: 'valid' }),
      layer('lstm', 'LSTM', ['pool'], {
        units: UNITS,
        activation: 'tanh',
        // The default in tfjs is hard_sigmoid, in Keras 2 it is this one.
        recurrent_activation: 'sigmoid',
        use_bias: true,
        unit_forget_bias: true,
        return_sequences: false,
        go_backwards: false,
        kernel_initializer: initial('GlorotUniform', 2),
        recurrent_initializer: initial('Orthogonal', 3),
      }),
      layer('join', 'Concatenate', ['lstm', 'context'], { axis: -1 }),
      layer('hidden', 'Dense', ['join'], {
        units: HIDDEN,
        activation: 'relu',
        use_bias: true,
        kernel_initializer: initial('GlorotUniform', 4),
      }),
      layer('output', 'Dense', ['hidden'], {
        units: 1,
        activation: 'sigmoid',
        use_bias: true,
        kernel_initializer: initial('GlorotUniform', 5),
      }),
    ],
    input_layers: [
      ['series', 0, 0],
      ['context', 0, 0],
    ],
    output_layers: [['output', 0, 0]],
  }
  return { class_name: 'Model', config }
}

/** An untrained model, with two inputs: [n, BINS, FEATURES] and [n, CONTEXT]. The same seed begins with the same weights. */
export const buildNetwork = (tf: Tf, seed: number): Promise<LayersModel> =>
  tf.loadLayersModel(tf.io.fromMemory({ modelTopology: topology(seed) }))
