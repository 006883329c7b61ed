/** `npm run bench:scoring`: how fast each backend scores here, beside the plain TypeScript in the same run. */
import { FcmError } from '../../common/errors.ts'
import type { Engine } from './engine.ts'
import { ROW } from './inputs.ts'
import { createKernel } from './kernel/kernel.ts'
import { createReference } from './reference.ts'
import { randomRows, randomWeights } from './testing.ts'
import { openTfjs } from './tfjs-node.ts'
import { openWasm } from './wasm.ts'

type Score = (rows: Float32Array) => Promise<Float32Array> | Float32Array
/** Milliseconds that one call took. */
type Timing = { min: number; median: number }

const BATCHES = [1, 64, 1024]
/** Of a call that lasts long there are few. */
const SPEND_MS = 1000
const [FEWEST, MOST] = [5, 5000]
/** What is asked of the default backend: windows a second in batches of 64, and milliseconds for one. */
const [RATE, LATENCY_MS] = [20_000, 0.2]

const weights = randomWeights(1)
const rows = randomRows(1, Math.max(...BATCHES))

async function time(score: Score, batch: number): Promise<Timing> {
  const took: number[] = []
  const began = performance.now()
  while (took.length < FEWEST || (performance.now() - began < SPEND_MS && took.length < MOST)) {
    // A copy, since it may be transferred.
    const question = rows.slice(0, batch * ROW)
    const asked = performance.now()
    await score(question)
    took.push(performance.now() - asked)
  }
  took.sort((a, b) => a - b)
  return { min: took[0]!, median: took[took.length >> 1]! }
}

const number = (value: number, digits: number): string =>
  value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })

const COLUMNS = [28, 7, 12, 12, 14, 10]
const print = (...cells: string[]): void =>
  console.log(
    cells.map((cell, i) => (i === 0 ? cell.padEnd(COLUMNS[i]!) : cell.padStart(COLUMNS[i]!))).join(''),
  )

/** Times one backend at every size, and prints it; `plain` is what it is set against. */
async function bench(name: string, score: Score, plain?: Timing[]): Promise<Timing[]> {
  // First the compiler of the machine code has to see that it matters.
  await time(score, 64)
  const timings: Timing[] = []
  for (const [i, batch] of BATCHES.entries()) {
    const timing = await time(score, batch)
    timings.push(timing)
    const ratio = plain ? plain[i]!.min / timing.min : 1
    print(
      i === 0 ? name : '',
      number(batch, 0),
      number(timing.min, 3),
      number(timing.median, 3),
      number((1000 * batch) / timing.min, 0),
      `${number(ratio, ratio < 1 ? 2 : 1)}x`,
    )
  }
  return timings
}

const verdict = (what: string, asked: string, holds: boolean): void =>
  console.log(`${what} (asked: ${asked}): ${holds ? 'holds' : 'does not hold'}`)

print('backend', 'rows', 'ms, least', 'ms, median', 'windows/s', 'ratio')
const plain = await bench('typescript', createReference(weights))
const direct = await bench('wasm, on the same thread', await createKernel(weights), plain)
const engine = await openWasm(weights)
const threaded = await bench('wasm, as it is used', engine.score, plain)
await engine.close()
const tfjs: Engine | FcmError = await openTfjs(weights).catch((error) => error)
if (tfjs instanceof FcmError) console.log(`tfjs-node: ${tfjs.message}`)
else await bench('tfjs-node', tfjs.score, plain)

const rate = (1000 * BATCHES[1]!) / direct[1]!.min
console.log('\nwindows/s and ratios are of the least times: what else runs here disturbs them least.')
verdict(`wasm scores ${number(rate, 0)} windows/s on one core`, `${number(RATE, 0)}`, rate >= RATE)
const one = threaded[0]!.min
verdict(
  `one window takes ${number(direct[0]!.min, 3)} ms, ${number(one, 3)} ms with the way to its thread and back`,
  `less than ${LATENCY_MS} ms`,
  one < LATENCY_MS,
)
