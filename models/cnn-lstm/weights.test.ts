import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { beforeEach, expect, test } from 'vitest'
import { FcmError } from '../../common/errors.ts'
import { buildNetwork } from './network.ts'
import { NOT_INSTALLED, randomWeights, skipsTfjs } from './testing.ts'
import { loadTfjs } from './tfjs.ts'
import { modelOf, readWeights, weightsOf, writeWeights } from './weights.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fcm-weights-'))
  return () => rm(dir, { recursive: true })
})

const weights = randomWeights(21)
const why = async (): Promise<unknown> =>
  readWeights(dir).then(
    () => 'read',
    (error: FcmError) => (error.code === 'WEIGHTS_UNUSABLE' ? error.details.why : error),
  )

type Json = { modelTopology: { config: { layers: Layer[] } }; weightsManifest: { weights: Spec[] }[] }
type Layer = { name: string; config: Record<string, unknown>; inbound_nodes: unknown[] }
type Spec = { name: string; shape: number[]; dtype: string; quantization?: object }

/** Writes the weights with something changed in model.json, and in weights.bin. */
async function damaged(
  change: (file: Json) => unknown,
  changeBytes: (bytes: Buffer) => Buffer = (b) => b,
): Promise<unknown> {
  await writeWeights(dir, weights)
  const file = JSON.parse(await readFile(join(dir, 'model.json'), 'utf8')) as Json
  change(file)
  await writeFile(join(dir, 'model.json'), JSON.stringify(file))
  await writeFile(join(dir, 'weights.bin'), changeBytes(await readFile(join(dir, 'weights.bin'))))
  return why()
}
const layer = (file: Json, name: string): Layer =>
  file.modelTopology.config.layers.find((found) => found.name === name)!
const spec = (file: Json, name: string): Spec =>
  file.weightsManifest[0]!.weights.find((found) => found.name === name)!
const nothing = (): void => {}

test('what is written is read', async () => {
  await writeWeights(join(dir, 'new', 'directory'), weights)
  expect(await readWeights(join(dir, 'new', 'directory'))).toEqual(weights)
})

test('a model is named after its weights.bin', async () => {
  await writeWeights(dir, weights)
  const file = createHash('sha256').update(await readFile(join(dir, 'weights.bin')))
  expect(modelOf(weights)).toBe(file.digest('hex').slice(0, 8))
  const other = structuredClone(weights)
  other['output/bias'][0]! += 1e-6
  expect(modelOf(other)).not.toBe(modelOf(weights))
})

test('the manifest says in which order and in how many files', async () => {
  await writeWeights(dir, weights)
  const bytes = await readFile(join(dir, 'weights.bin'))
  await writeFile(join(dir, 'a'), bytes.subarray(0, 1000))
  await writeFile(join(dir, 'b'), bytes.subarray(1000, -4))
  await writeFile(join(dir, 'c'), bytes.subarray(-4))
  const file = JSON.parse(await readFile(join(dir, 'model.json'), 'utf8'))
  const specs = file.weightsManifest[0].weights
  file.weightsManifest = [
    { paths: ['c'], weights: specs.slice(-1) },
    { paths: ['a', 'b'], weights: specs.slice(0, -1) },
  ]
  await writeFile(join(dir, 'model.json'), JSON.stringify(file))
  expect(await readWeights(dir)).toEqual(weights)
})

test('missing or damaged files are said, with what to do', async () => {
  expect(await why()).toBe("model.json can't be read (ENOENT)")
  await expect(readWeights(dir)).rejects.toThrow(/Restore the directory.*fcm train/)
  await writeFile(join(dir, 'model.json'), '{"modelTopology":')
  expect(await why()).toBe('model.json is damaged')
  await writeFile(join(dir, 'model.json'), 'null')
  expect(await why()).toBe('model.json is damaged')
  await writeWeights(dir, weights)
  await rm(join(dir, 'weights.bin'))
  expect(await why()).toBe("weights.bin can't be read (ENOENT)")
})

test('the bytes have to be those that the manifest tells of', async () => {
  expect(await damaged(nothing, (bytes) => bytes.subarray(0, 20_000))).toBe(
    'weights.bin ends within lstm/recurrent_kernel',
  )
  expect(await damaged(nothing, (bytes) => bytes.subarray(0, -1))).toBe('weights.bin ends within output/bias')
  expect(await damaged(nothing, (bytes) => Buffer.concat([bytes, bytes.subarray(0, 4)]))).toBe(
    'weights.bin has 4 bytes too many',
  )
  const broken = (value: number) => (bytes: Buffer) => {
    bytes.writeFloatLE(value, 0)
    return bytes
  }
  expect(await damaged(nothing, broken(Number.NaN))).toBe('conv/kernel has a value that is not finite')
  expect(await damaged(nothing, broken(-Infinity))).toBe('conv/kernel has a value that is not finite')
})

test('the weights have to be those of this network', async () => {
  expect(await damaged((file) => (spec(file, 'lstm/bias').shape = [128]))).toBe('lstm/bias is 128, not 96')
  expect(await damaged((file) => (spec(file, 'hidden/kernel').shape = [16, 32]))).toBe(
    'hidden/kernel is 16 x 32, not 32 x 16',
  )
  expect(await damaged((file) => (spec(file, 'output/bias').name = 'other'))).toBe('output/bias is missing')
  expect(await damaged((file) => (spec(file, 'conv/bias').dtype = 'int32'))).toBe(
    'conv/bias is not plain float32',
  )
  expect(await damaged((file) => (spec(file, 'conv/bias').quantization = { dtype: 'uint8' }))).toBe(
    'conv/bias is not plain float32',
  )
})

test('a topology that computes something else is refused', async () => {
  const another = 'model.json describes another network: '
  expect(await damaged((file) => (layer(file, 'lstm').config.recurrent_activation = 'hard_sigmoid'))).toBe(
    `${another}recurrent_activation of layer "lstm" is "hard_sigmoid", not "sigmoid"`,
  )
  expect(await damaged((file) => (layer(file, 'conv').name = 'other'))).toBe(
    `${another}there is no layer "conv"`,
  )
  expect(await damaged((file) => layer(file, 'join').inbound_nodes.reverse())).toBe('read')
  expect(await damaged((file) => (layer(file, 'join').inbound_nodes[0] as unknown[]).reverse())).toBe(
    `${another}layer "join" reads other layers`,
  )
  expect(
    await damaged((file) => file.modelTopology.config.layers.push({ ...layer(file, 'pool'), name: 'more' })),
  ).toBe(`${another}it has more layers`)
  expect(await damaged((file) => (file.modelTopology = {} as never))).toBe(`${another}it has no layers`)
  // How the first weights were drawn changes nothing.
  expect(await damaged((file) => (layer(file, 'lstm').config.kernel_initializer = null))).toBe('read')
})

test('whatever is damaged, it reads well or says so', async () => {
  await writeWeights(dir, weights)
  const text = await readFile(join(dir, 'model.json'), 'utf8')
  const junk = fc.constantFrom('', 'null', '0', '"', '{', ']', '-1', '[]', '{}', '"x"')
  await fc.assert(
    fc.asyncProperty(fc.nat(text.length), fc.nat(40), junk, async (at, length, put) => {
      await writeFile(join(dir, 'model.json'), text.slice(0, at) + put + text.slice(at + length))
      const read = await readWeights(dir).catch((error) => error)
      if (read instanceof FcmError) expect(read.code).toBe('WEIGHTS_UNUSABLE')
      else expect(read).toEqual(weights)
    }),
    { numRuns: 300 },
  )
})

const withoutTfjs = await skipsTfjs()
const name = withoutTfjs ? `with TensorFlow (${NOT_INSTALLED})` : 'with TensorFlow'

test.skipIf(withoutTfjs)(`${name}: each reads what the other writes`, async () => {
  const tf = await loadTfjs()
  const { io } = tf
  await writeWeights(dir, weights)
  const model = await tf.loadLayersModel(io.fileSystem(join(dir, 'model.json')))
  expect(weightsOf(model)).toEqual(weights)
  await model.save(io.fileSystem(join(dir, 'saved')))
  expect(await readWeights(join(dir, 'saved'))).toEqual(weights)
})

test.skipIf(withoutTfjs)(`${name}: the same seed begins with the same weights`, async () => {
  const tf = await loadTfjs()
  const begin = async (seed: number) => weightsOf(await buildNetwork(tf, seed))
  const first = await begin(1)
  expect(await begin(1)).toEqual(first)
  expect((await begin(2))['lstm/kernel']).not.toEqual(first['lstm/kernel'])
  // Forget gates begin open, as is usual.
  expect(first['lstm/bias'].subarray(24, 48).every((bias) => bias === 1)).toBe(true)
})
