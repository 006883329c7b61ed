import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import avro from 'avsc'
import { FcmError } from '../common/errors.ts'
import type { SchemaRegistry } from './registry.ts'

/** Never removed, and the next one's id is one more than the greatest: so ids are never used again. */
type Entry = { id: number; subject: string; version: number; schema: object }

/**
 * A schema registry in a JSON file, for one process at a time: whoever holds the event log's directory holds it too.
 * An equal schema under an equal subject keeps its id; a new one must be able to read what the latest has written.
 * @throws FcmError FILE_UNREADABLE
 */
export async function openFileRegistry(path: string): Promise<SchemaRegistry> {
  const entries = await load(path)
  let registered: Promise<unknown> = Promise.resolve()

  async function add(subject: string, schema: object): Promise<number> {
    const versions = entries.filter((entry) => entry.subject === subject)
    const same = versions.find((entry) => isDeepStrictEqual(entry.schema, schema))
    if (same) return same.id
    const latest = versions.at(-1)
    const why = latest && whyUnreadable(schema, latest.schema)
    if (why) throw new FcmError('SCHEMA_INCOMPATIBLE', { subject, version: latest.version, why })
    const id = Math.max(0, ...entries.map((entry) => entry.id)) + 1
    const entry = { id, subject, version: (latest?.version ?? 0) + 1, schema: structuredClone(schema) }
    await save(path, [...entries, entry])
    entries.push(entry)
    return id
  }

  return {
    register(subject, schema) {
      const done = registered.then(() => add(subject, schema))
      registered = done.catch(() => undefined)
      return done
    },
    async schema(id) {
      const entry = entries.find((e) => e.id === id)
      if (!entry) throw new FcmError('SCHEMA_UNKNOWN', { id })
      return structuredClone(entry.schema)
    },
  }
}

/** Why data written under `writer` can't be read with `reader`, in plain words; undefined when it can. */
function whyUnreadable(reader: object, writer: object): string | undefined {
  const writerType = avro.Type.forSchema(writer as avro.Schema)
  const readerType = avro.Type.forSchema(reader as avro.Schema)
  try {
    readerType.createResolver(writerType)
    return undefined
  } catch (error) {
    if (!(readerType instanceof avro.types.RecordType && writerType instanceof avro.types.RecordType)) {
      return (error as Error).message
    }
    return whyField(readerType, writerType) ?? (error as Error).message
  }
}

/** Names the first field at fault: avsc says only which two types do not fit. */
function whyField(reader: avro.types.RecordType, writer: avro.types.RecordType): string | undefined {
  for (const field of reader.fields) {
    const written = writer.fields.find(({ name }) => [field.name, ...field.aliases].includes(name))
    if (!written) {
      if (field.defaultValue() === undefined) return `the new field "${field.name}" has no default`
      continue
    }
    try {
      field.type.createResolver(written.type)
    } catch (error) {
      return `the field "${field.name}" can't take its old values (${(error as Error).message})`
    }
  }
  return undefined
}

async function load(path: string): Promise<Entry[]> {
  try {
    const content: unknown = JSON.parse(await readFile(path, 'utf8'))
    const entries = isObject(content) ? content.schemas : undefined
    if (!Array.isArray(entries) || !entries.every(isEntry)) throw new Error('it is no list of schemas')
    return entries
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw new FcmError('FILE_UNREADABLE', { file: path, why: (error as Error).message }, error)
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null

/** @throws Error where its schema is none of Avro's */
function isEntry(entry: unknown): entry is Entry {
  if (!isObject(entry) || !isObject(entry.schema)) return false
  avro.Type.forSchema(entry.schema as unknown as avro.Schema)
  const isNumber = (value: unknown) => Number.isInteger(value) && (value as number) > 0
  return isNumber(entry.id) && isNumber(entry.version) && typeof entry.subject === 'string'
}

/** The file is at any time the old one or the new one, whole: records on disk depend on their schema's id. */
async function save(path: string, schemas: Entry[]): Promise<void> {
  const dir = dirname(path)
  try {
    await mkdir(dir, { recursive: true })
    await write(`${path}.new`, `${JSON.stringify({ schemas }, null, 2)}\n`)
    await rename(`${path}.new`, path)
    await sync(dir)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOSPC' || code === 'EDQUOT') throw new FcmError('LOG_FULL', { file: path }, error)
    throw new FcmError('DATA_DIR_UNUSABLE', { dir, why: message }, error)
  }
}

async function write(path: string, content: string): Promise<void> {
  const handle = await open(path, 'w')
  try {
    await handle.writeFile(content)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** A rename is durable once its directory is. */
async function sync(dir: string): Promise<void> {
  const handle = await open(dir)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
