import { FcmError } from '../../common/errors.ts'
import type { Engine } from './engine.ts'
import { ROW } from './inputs.ts'
import type { Weights } from './network.ts'
import { createReference } from './reference.ts'
import { openTfjs } from './tfjs-node.ts'
import { openWasm } from './wasm.ts'
import { modelOf, readWeights } from './weights.ts'

/** `wasm` is the default: its results, alone, are the same bits on every machine and in every batch. */
export const BACKENDS = ['wasm', 'typescript', 'tfjs-node'] as const
export type Backend = (typeof BACKENDS)[number]

export type Scorer = Engine & {
  backend: Backend
  /** First 8 hex digits of SHA-256 of the weights file: part of the settings' hash. */
  model: string
}

const open: Record<Backend, (weights: Weights) => Promise<Engine>> = {
  wasm: openWasm,
  typescript: async (weights) => {
    const score = createReference(weights)
    return { score: async (rows) => score(rows), close: async () => {} }
  },
  'tfjs-node': openTfjs,
}

/**
 * Without `weights`, with those that come with the program. Throws `WEIGHTS_UNUSABLE`; `TFJS_NODE_MISSING` for a backend
 * that is not installed. `wasm` starts a thread: one scorer serves a whole process.
 */
export async function openScorer(backend: Backend, weights?: Weights): Promise<Scorer> {
  const used = weights ?? (await readWeights())
  const engine = await open[backend](used)
  return {
    backend,
    model: modelOf(used),
    async score(rows) {
      if (rows.length % ROW !== 0) throw new RangeError(`${rows.length} floats are no rows of ${ROW}`)
      // The rectifiers of a network would make a zero, and so a plausible score, of what is no number.
      if (!allFinite(rows)) throw new FcmError('SCORER_FAILED', { why: 'a row holds what is no number' })
      return engine.score(rows)
    },
    close: () => engine.close(),
  }
}

/** A sum of doubles can't overflow on floats, and is finite only if all of them are. */
function allFinite(floats: Float32Array): boolean {
  let sum = 0
  for (let i = 0; i < floats.length; i++) sum += floats[i]!
  return Number.isFinite(sum)
}
