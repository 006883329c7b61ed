/**
 * Results as they were when they were last changed on purpose. What is held: every export, in the columns of the day it was
 * recorded, sorted by identity; names that the program gives itself (ids, the hash of the settings) are left out, so that
 * only results can change it. Apart from them: in which order the records of a key stand.
 *
 * Those of a simulated network are held where it runs anyway, in `determinism.test.ts`.
 *
 * A change that is meant raises `model` in the settings of stage `detect`, or says in its commit which hole demanded it;
 * `GOLDEN=record npx vitest run app/golden.test.ts app/determinism.test.ts` writes the file anew. `GOLDEN=<dir>` keeps the rows, to compare.
 */
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { here } from '../bin/testing.ts'
import { BASE, DAY, HOUR, MINUTE } from '../common/time.ts'
import { simulatedClock } from '../connectors/farcaster/source/clock.ts'
import { fakeServer } from '../connectors/farcaster/source/fake-server.fixture.ts'
import { parseFollow } from '../connectors/farcaster/source/follow.ts'
import { pollingSource } from '../connectors/farcaster/source/poll.ts'
import { publish } from '../connectors/sources/publish.ts'
import { DEFAULT_START, simulate } from '../models/simulation/simulate.ts'
import { defaults } from '../pipeline/stages/detect/settings.ts'
import { LIVE, topicOf } from '../pipeline/topology.ts'
import type { FcmRecord } from '../schemas/records.ts'
import { readConfig } from './config.ts'
import { type Engines, openEngines } from './engines.ts'
import { golden, hold, holdExports, record } from './golden.fixture.ts'
import { PROCESSING } from './roles/roles.ts'
import { startRoles } from './roles/start.ts'
import { dataDir } from './testing.ts'

const ARCHIVE = fileURLToPath(new URL('../docs/examples/casts.hub.ndjson.gz', import.meta.url))

const dirs: { dir: string; remove(): void }[] = []
const newDir = (): string => {
  const made = dataDir()
  dirs.push(made)
  return made.dir
}
afterAll(() => {
  for (const { remove } of dirs) remove()
  record()
})

test('are of this model', () => expect(golden.model).toBe(defaults.model))

test('an archive', async () => {
  const dir = newDir()
  expect((await here(['backfill', ARCHIVE, '--run', 'history', '--data-dir', dir])).code).toBe(0)
  await holdExports('archive', dir, 'history', 5000)
})

test('a polled network, and the order of its records', async () => {
  const dir = newDir()
  const engines = await openEngines(readConfig({ dataDir: dir }, {}))
  try {
    await engines.openRun(LIVE)
    await pollSome(engines)
    const roles = await startRoles(engines, LIVE, PROCESSING)
    await roles.caughtUp(() => {}, new AbortController().signal)
    await roles.stop()
    for (const topic of ['counts', 'signals', 'alerts'] as const) {
      hold('order', topic, await orderIn(engines, topic))
    }
  } finally {
    await engines.close()
  }
  await holdExports('polled', dir, LIVE, 2000)
})

/** Two days and a half, polled each five minutes from an hour after the first cast on. */
async function pollSome({ log, codec }: Engines): Promise<void> {
  const end = DEFAULT_START + 2.5 * DAY
  const messages = []
  for (const bin of simulate({ seed: 1, liveAt: DEFAULT_START + 1.5 * DAY })) {
    if (bin.start >= end) break
    messages.push(...bin.messages)
  }
  const { signal } = new AbortController()
  let now = DEFAULT_START + HOUR
  const drive = async (time: number) => {
    now = time
  }
  const open = pollingSource({
    ...{ until: end, budget: 10_000, interval: BASE, follow: parseFollow('*', 0) },
    server: fakeServer({
      messages,
      now: () => now,
      // A server that is away for three hours leaves a gap.
      before: (question) =>
        question.startsWith('posts') && now > end - DAY && now < end - DAY + 3 * HOUR && now % MINUTE === 0
          ? { outcome: 'failed', why: 'it said 500', retryAfter: 0, seconds: 0 }
          : undefined,
    }),
    clock: simulatedClock({ start: now, speed: Number.POSITIVE_INFINITY, drive, signal }),
  })
  const { finished } = await publish({ log, codec, run: LIVE, open })
  expect(finished).toBe(true)
}

/** The records of each key in their order, by what each is known by. */
async function orderIn({ log, codec }: Engines, topic: 'counts' | 'signals' | 'alerts'): Promise<string[]> {
  const name = topicOf(LIVE, topic)
  const keys = new Map<string, string[]>()
  for (const { partition } of await log.ends(name)) {
    for await (const { key, value } of log.read({ topic: name, partition })) {
      const known = knownBy(codec.decode(value!))
      if (known !== null) keys.set(key, [...(keys.get(key) ?? []), known])
    }
  }
  return [...keys].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([key, all]) => [key, ...all])
}

/** Null: a step on the way, which readers never see. */
function knownBy(record: FcmRecord): string | null {
  switch (record.type) {
    case 'BinClosed':
      return `bin ${record.start} ${record.bins.map(({ measure }) => measure)}`
    case 'Milestone':
      return `milestone ${record.measure} ${record.start} ${record.n}`
    case 'Idle':
    case 'Unknown':
      return `${record.type.toLowerCase()} ${record.measure} ${record.from}`
    case 'Late':
      return `late ${record.measure} ${record.start} ${record.count}`
    case 'Signal':
      return `signal ${record.measure} ${record.resolution} ${record.start}`
    case 'AlertEvent':
      return `${record.kind} ${record.openedAt} ${record.sequence} ${record.event}`
    default:
      return null
  }
}
