import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createCodec } from './codec.ts'
import { openFileRegistry } from './file-registry.ts'

let dir: string
let path: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'fcm-registry-'))
  path = join(dir, 'schemas.json')
})
afterEach(() => rmSync(dir, { recursive: true }))

const record = (...fields: object[]) => ({ type: 'record', namespace: 'fcm', name: 'R', fields })
const a = { name: 'a', type: 'int' }
const b = { name: 'b', type: ['null', 'string'], default: null }
const c = { name: 'c', type: 'string' }
const mood = (...symbols: string[]) => ({ name: 'm', type: { type: 'enum', name: 'Mood', symbols } })

test('an equal schema under an equal subject keeps its id, also in the next life', async () => {
  const registry = await openFileRegistry(path)
  const id = await registry.register('s', record(a))
  const id2 = await registry.register('s', record(a, b))
  const other = await registry.register('t', record(a))
  expect(new Set([id, id2, other]).size).toBe(3)
  const again = await openFileRegistry(path)
  // The order of the keys means nothing.
  expect(await again.register('s', record({ type: 'int', name: 'a' }))).toBe(id)
  expect(await again.register('s', record(a, b))).toBe(id2)
  expect(await again.schema(id)).toEqual(record(a))
  expect(await again.schema(other)).toEqual(record(a))
  expect([id, id2, other]).not.toContain(await again.register('u', record(a)))
})

test('registering at the same time gives ids of their own, and one to the equal', async () => {
  const registry = await openFileRegistry(path)
  const ids = await Promise.all(
    ['s', 't', 's', 'u', 't'].map((subject) => registry.register(subject, record(a))),
  )
  expect(ids).toEqual([1, 2, 1, 3, 2])
  expect(await (await openFileRegistry(path)).schema(3)).toEqual(record(a))
  expect(readdirSync(dir)).toEqual(['schemas.json'])
})

test.each([
  ['a new field without a default', record(a), record(a, c), 'the new field "c" has no default'],
  [
    'another type',
    record(a),
    record({ name: 'a', type: 'string' }),
    `the field "a" can't take its old values`,
  ],
  ['a symbol less', record(mood('x', 'y')), record(mood('x')), `the field "m" can't take its old values`],
  [
    'null no more',
    record(b),
    record({ name: 'b', type: 'string' }),
    `the field "b" can't take its old values`,
  ],
  ['another name', record(a), { ...record(a), name: 'Q' }, 'R'],
])('%s is refused, with the reason', async (_, before, after, why) => {
  const registry = await openFileRegistry(path)
  await registry.register('s', before)
  const refused = registry.register('s', after)
  await expect(refused).rejects.toMatchObject({
    code: 'SCHEMA_INCOMPATIBLE',
    details: { subject: 's', version: 1 },
  })
  await expect(refused).rejects.toThrow(why)
  await expect(registry.schema(2)).rejects.toMatchObject({ code: 'SCHEMA_UNKNOWN' })
})

test.each([
  ['a new field with a default', record(a), record(a, b)],
  ['a field less', record(a, c), record(a)],
  ['a wider type', record(a), record({ name: 'a', type: 'long' })],
  ['a symbol more', record(mood('x')), record(mood('x', 'y'))],
])('%s is accepted', async (_, before, after) => {
  const registry = await openFileRegistry(path)
  await registry.register('s', before)
  expect(await registry.register('s', after)).toBe(2)
})

test('compatibility is judged against the latest version', async () => {
  const registry = await openFileRegistry(path)
  await registry.register('s', record(a))
  await registry.register('s', record(a, b))
  await expect(registry.register('s', record(a, c))).rejects.toMatchObject({ details: { version: 2 } })
})

const entry = { id: 1, subject: 's', version: 1, schema: record(a) }
test.each([
  ['cut off', '{"schemas": ['],
  ['empty', ''],
  ['of zeros', '\0'.repeat(4096)],
  ['null', 'null'],
  ['a list', '[]'],
  ['without schemas', '{}'],
  ['of another shape', '{"schemas": {"1": {}}}'],
  ['with a hole', JSON.stringify({ schemas: [entry, null] })],
  ['with an id that is none', JSON.stringify({ schemas: [{ ...entry, id: '1' }] })],
  ['with a schema that is none', JSON.stringify({ schemas: [{ ...entry, schema: { type: 'recrod' } }] })],
])('a file that is %s is said, not overwritten', async (_, content) => {
  writeFileSync(path, content)
  await expect(openFileRegistry(path)).rejects.toMatchObject({
    code: 'FILE_UNREADABLE',
    details: { file: path },
  })
  expect(readFileSync(path, 'utf8')).toBe(content)
})

test('where it can not be kept, nothing is registered', async () => {
  writeFileSync(join(dir, 'file'), '')
  const registry = await openFileRegistry(join(dir, 'new', 'schemas.json'))
  writeFileSync(join(dir, 'new'), '')
  await expect(registry.register('s', record(a))).rejects.toMatchObject({ code: 'DATA_DIR_UNUSABLE' })
  await expect(registry.schema(1)).rejects.toMatchObject({ code: 'SCHEMA_UNKNOWN' })
})

test.skipIf(process.platform !== 'linux')(
  'on a full disk nothing is registered, and what was stays',
  async () => {
    const registry = await openFileRegistry(path)
    await registry.register('s', record(a))
    const before = readFileSync(path, 'utf8')
    symlinkSync('/dev/full', `${path}.new`)
    const full = { code: 'LOG_FULL', retry: true, details: { file: path } }
    await expect(registry.register('s', record(a, b))).rejects.toMatchObject(full)
    expect(readFileSync(path, 'utf8')).toBe(before)
    await expect(registry.schema(2)).rejects.toMatchObject({ code: 'SCHEMA_UNKNOWN' })
    rmSync(`${path}.new`)
    expect(await registry.register('s', record(a, b))).toBe(2)
    expect(await (await openFileRegistry(path)).schema(2)).toEqual(record(a, b))
  },
)

test('the codec finds its schemas again', async () => {
  const codec = await createCodec(await openFileRegistry(path))
  const bytes = codec.encode({ type: 'Idle', measure: 'casts', from: 5 })
  const later = await createCodec(await openFileRegistry(path))
  expect(later.decode(bytes)).toEqual({ type: 'Idle', measure: 'casts', from: 5 })
})
