import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { openEmbeddedLog } from '../../../pipeline/log/embedded/embedded.ts'
import { topicOf, topicSpecs } from '../../../pipeline/topology.ts'
import { createCodec } from '../../../schemas/codec.ts'
import { openFileRegistry } from '../../../schemas/file-registry.ts'
import { putDatabase } from '../made.fixture.ts'
import { ART, alert, all, type Input } from '../records.fixture.ts'
import { openStore, type Store } from '../store.ts'
import { BEGINNING, type Place } from './place.ts'

const root = mkdtempSync(join(tmpdir(), 'fcm-outbox-'))
afterAll(() => rmSync(root, { recursive: true, force: true }), 60_000)

const RUN = 'live'
const dirOf = (name: string): string => {
  const dir = join(root, name)
  putDatabase(dir)
  return dir
}
async function having<T>(dir: string, work: (store: Store) => Promise<T>): Promise<T> {
  const store = await openStore({ dir })
  try {
    return await work(store)
  } finally {
    await store.close()
  }
}
const opened = (n: number): Input => alert(ART, n, 1)
const acknowledged = (n: number): Input => ({
  key: `alert-${n}`,
  record: {
    ...{ type: 'DeskAction', id: `did-${n}`, alert: `alert-${n}`, action: 'acknowledge', by: 'ann', at: n },
    details: '{"note":"seen"}',
  },
})

it('a directory that was copied back gives no place out twice', async () => {
  const dir = dirOf('copied')
  const write = (...records: Input[]) =>
    having(dir, async (store) => {
      await store.ingest.write(RUN, records)
      return (await store.alerts.changes(RUN, BEGINNING, 100)).map(({ place }) => place)
    })
  const [first] = (await write(opened(1))) as [Place]
  cpSync(dir, join(root, 'backup'), { recursive: true })
  // It was started again, so what is behind is of a new epoch, and nothing that was given out is lost.
  const before = await write(opened(2), opened(3))
  expect(before[0]).toBe(first)
  rmSync(dir, { recursive: true })
  cpSync(join(root, 'backup'), dir, { recursive: true })
  const after = await write(opened(4))
  expect(after[0]).toBe(first)
  expect(before.slice(1)).not.toContain(after[1])
  await having(dir, async ({ alerts }) => {
    expect((await alerts.changes(RUN, first, 9)).map((c) => c.alert)).toEqual(['alert-4'])
    for (const lost of before.slice(1)) {
      await expect(alerts.changes(RUN, lost, 9)).rejects.toMatchObject({ code: 'PLACE_UNKNOWN' })
    }
  })
})

it('a database that is lost is made again from the log, with what people did', async () => {
  const codec = await createCodec(await openFileRegistry(join(root, 'schemas.json')))
  const log = await openEmbeddedLog(join(root, 'log'))
  await log.ensureTopics(topicSpecs(RUN, 2))
  const resolved = alert(ART, 1, 2, { event: 'resolved', severity: 'high' })
  const written = [opened(1), acknowledged(1), opened(2), resolved, acknowledged(2), opened(3)]
  await log.append(
    written.map(({ key, record }) => ({
      topic: topicOf(RUN, record.type === 'DeskAction' ? 'desk' : 'alerts'),
      key,
      value: codec.encode(record),
    })),
  )
  const lost = dirOf('lost')
  await having(lost, (store) => store.ingest.write(RUN, written))
  const made = dirOf('made-again')
  await having(made, async (store) => {
    // Twice, as after a crash in the middle.
    for (const topic of ['desk', 'alerts', 'desk', 'alerts'] as const) {
      for (const { partition } of await log.ends(topicOf(RUN, topic))) {
        const records: Input[] = []
        for await (const { key, value } of log.read({ topic: topicOf(RUN, topic), partition })) {
          await codec.prepare(value!)
          records.push({ key: key!.toString(), record: codec.decode(value!) })
        }
        await store.ingest.write(RUN, records)
      }
    }
  })
  await log.close()
  const stateOf = (dir: string) =>
    having(dir, async ({ alerts }) => ({
      list: (await alerts.list(RUN, { perDay: 2 }, { limit: 100 })).items,
      details: await Promise.all([1, 2, 3].map((n) => alerts.get(`alert-${n}`))),
      exported: await all(alerts.export({ run: RUN })),
      happened: (await alerts.changes(RUN, BEGINNING, 100)).map((c) => [c.kind, c.alert]).sort(),
    }))
  const state = await stateOf(made)
  expect(state).toEqual(await stateOf(lost))
  expect(state.details[0]).toMatchObject({ state: 'resolved', actions: [{ id: 'did-1', by: 'ann' }] })
})
