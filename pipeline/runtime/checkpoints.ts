/**
 * A stage's state, kept in the compacted topic `checkpoints` of its run. A checkpoint is written whole: chunks under keys
 * never used before, then a manifest that vouches for them, then tombstones for older ones. Restoring takes the
 * checkpoint with the highest input offset whose chunks verify. A writer that was cut off or replaced meanwhile can only
 * add an older one.
 */
import { randomUUID } from 'node:crypto'
import { deserialize, serialize } from 'node:v8'
import { crc32 } from 'node:zlib'
import { FcmError } from '../../common/errors.ts'
import type { EventLog, NewRec } from '../log/port.ts'

const CHUNK_BYTES = 512 * 1024
const KEPT = 2

/** State that is being rebuilt goes over the input from `from` to `to` again; `silent`: without writing outputs. */
export type Rebuild = { from: number; to: number; silent: boolean }

type Manifest = {
  offset: number
  version: number
  chunks: { bytes: number; crc32: number }[]
  rebuild?: Rebuild
}

/** `state`: of the shape of `version`. `offset`: of the input, that it stands before. `time`: of its appending, ms. */
export type Restored = Omit<Manifest, 'chunks'> & { state: unknown; bytes: number; time: number }

export interface Checkpoints {
  /**
   * The newest state that verifies, of the highest version; null when there is none. `onRead` is told how many of its bytes
   * have been read.
   * @throws FcmError STATE_UNREADABLE, which may pass: there are some, and none verifies
   */
  restore(onRead?: (bytes: number, total: number) => void): Promise<Restored | null>
  /**
   * Encodes the state at once, so that it may go on changing; resolves to the bytes written, once they are durable.
   * `patiently` does the writing, and may do it again when it fails.
   */
  save(
    state: unknown,
    offset: number,
    rebuild?: Rebuild,
    patiently?: (write: () => Promise<void>) => Promise<void>,
  ): Promise<number>
}

/** The checkpoints of one partition of one stage. */
export function checkpointsOf(options: {
  log: EventLog
  topic: string
  stage: string
  version: number
  partition: number
}): Checkpoints {
  const { log, topic, stage, version, partition } = options
  const prefix = `${stage}/${partition}/`
  const writer = randomUUID().slice(0, 8)
  /** Checkpoints that stand, oldest first, as `<offset>-<writer>` and their number of chunks. */
  let standing: { id: string; chunks: number }[] = []

  const record = (id: string, part: string, value: Uint8Array | null): NewRec => ({
    topic,
    partition,
    key: `${prefix}${id}/${part}`,
    value,
  })

  return {
    async restore(onRead = () => {}) {
      const manifests = new Map<string, Manifest & { time: number }>()
      /** Where the chunks of a checkpoint stand in the log: the first and the last. */
      const spans = new Map<string, [number, number]>()
      /** Chunks that nothing vouches for: whoever wrote them was cut off. The next checkpoint deletes them. */
      const orphans = new Map<string, number>()
      for await (const { key, value, time, offset: at } of log.read({ topic, partition })) {
        if (!key.startsWith(prefix)) continue
        const [id, part] = key.slice(prefix.length).split('/') as [string, string]
        if (part !== 'manifest') {
          if (!value) continue
          orphans.set(id, Number(part) + 1)
          spans.set(id, [spans.get(id)?.[0] ?? at, at])
        } else if (value) manifests.set(id, { ...JSON.parse(Buffer.from(value).toString()), time })
        else manifests.delete(id)
      }
      for (const id of manifests.keys()) orphans.delete(id)
      const newestFirst = [...manifests].sort(([, a], [, b]) => b.version - a.version || b.offset - a.offset)
      standing = [
        ...[...orphans].map(([id, chunks]) => ({ id, chunks })),
        ...newestFirst.map(([id, { chunks }]) => ({ id, chunks: chunks.length })).reverse(),
      ]
      for (const [id, manifest] of newestFirst) {
        const span = spans.get(id)
        const { chunks, ...found } = manifest
        const bytes =
          span && (await readChunks(log, { topic, partition }, `${prefix}${id}/`, chunks, span, onRead))
        if (!bytes) continue
        return { ...found, state: deserialize(bytes), bytes: bytes.length }
      }
      // A new one may have taken their place since; to begin from nothing would do it all again, or miss it.
      if (manifests.size > 0) throw new FcmError('STATE_UNREADABLE', { stage, partition, topic })
      return null
    },

    async save(state, offset, rebuild, patiently = (write) => write()) {
      const bytes = serialize(state)
      const id = `${offset}-${writer}`
      const chunks: Uint8Array[] = []
      for (let at = 0; at < bytes.length; at += CHUNK_BYTES) chunks.push(bytes.subarray(at, at + CHUNK_BYTES))
      const manifest: Manifest = {
        offset,
        version,
        chunks: chunks.map((chunk) => ({ bytes: chunk.length, crc32: crc32(chunk) })),
        ...(rebuild && { rebuild }),
      }
      const others = standing.filter((s) => s.id !== id)
      const outdated = others.slice(0, Math.max(0, others.length + 1 - KEPT))
      await patiently(async () => {
        // One by one: some megabytes at once would hold up all else that is written.
        for (const [n, chunk] of chunks.entries()) await log.append([record(id, String(n), chunk)])
        await log.append([
          record(id, 'manifest', Buffer.from(JSON.stringify(manifest))),
          // The manifest first: what it vouched for must not be half gone while it stands.
          ...outdated.flatMap((old) => [
            record(old.id, 'manifest', null),
            ...Array.from({ length: old.chunks }, (_, n) => record(old.id, String(n), null)),
          ]),
        ])
      })
      standing = [...others.slice(outdated.length), { id, chunks: chunks.length }]
      return bytes.length
    },
  }
}

async function readChunks(
  log: EventLog,
  tp: { topic: string; partition: number },
  prefix: string,
  expected: Manifest['chunks'],
  [begin, end]: [number, number],
  onRead: (bytes: number, total: number) => void,
): Promise<Buffer | null> {
  const chunks: Uint8Array[] = []
  const total = expected.reduce((sum, { bytes }) => sum + bytes, 0)
  let read = 0
  onRead(read, total)
  for await (const { key, value, offset } of log.read(tp, begin)) {
    if (offset > end) break
    if (!value || !key.startsWith(prefix) || key.endsWith('/manifest')) continue
    const n = Number(key.slice(prefix.length))
    // One that was written twice stands there twice until the log is compacted.
    read += value.length - (chunks[n]?.length ?? 0)
    chunks[n] = value
    onRead(read, total)
  }
  const verified = expected.every(({ bytes, crc32: sum }, n) => {
    const chunk = chunks[n]
    return chunk?.length === bytes && crc32(chunk) === sum
  })
  return verified ? Buffer.concat(chunks) : null
}
