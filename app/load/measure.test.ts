import { afterAll, beforeAll, expect, test } from 'vitest'
import { backlog } from '../../pipeline/runtime/lag.ts'
import { type Decided, decisions } from '../../pipeline/runtime/latency.ts'
import { readConfig } from '../config.ts'
import { type Engines, openEngines } from '../engines.ts'
import { PROCESSING } from '../roles/roles.ts'
import { type Roles, startRoles } from '../roles/start.ts'
import { dataDir } from '../testing.ts'
import { type Loaded, openLoad, RUN } from './measure.ts'

const { dir, remove } = dataDir()
const decided: Decided[] = []
const remember = (one: unknown) => void decided.push(one as Decided)
let engines: Engines
let roles: Roles
let loaded: Loaded

beforeAll(async () => {
  engines = await openEngines(readConfig({ dataDir: dir }, {}))
  await engines.openRun(RUN)
  roles = await startRoles(engines, RUN, PROCESSING)
  loaded = await openLoad(engines, roles, 40, roles.failed, () => {})
  decided.length = 0
  decisions.subscribe(remember)
})
afterAll(async () => {
  decisions.unsubscribe(remember)
  await roles.stop()
  await engines.close()
  remove()
})

test('times every alert event from what decided it to its commit, and adds its parts up', async () => {
  const figures = await loaded.measure(4000, 15)
  const { hops } = figures
  expect(hops.decision.n).toBeGreaterThanOrEqual(15)
  expect(hops.decision.n).toBe(decided.length)
  for (const { total, parts } of decided) {
    expect(total).toBeGreaterThan(0)
    expect(parts.count + parts.detect + parts.store).toBe(total)
  }
  expect(hops.decision.max).toBe(Math.max(...decided.map(({ total }) => total)))
  expect(hops.late.n).toBe(figures.closes)
  expect(figures.closes).toBeGreaterThan(0)
  expect(figures.holds).toBe(hops.decision.p99! < 150)

  // What was timed is what is in the database, and nothing is left on the way.
  const alerts = await engines.store.alerts.list(RUN, {}, { limit: 100 })
  const events = alerts.items.reduce((sum, { sequence }) => sum + sequence, 0)
  expect(events).toBe(decided.length)
  expect(await backlog(engines.log, RUN, PROCESSING)).toBe(0)
})

test('goes on behind what it has written before, by the schedule it was given', async () => {
  const before = await engines.log.ends(`fcm.${RUN}.activity`)
  const again = await openLoad(engines, roles, 40, roles.failed, () => {
    throw new Error('there is history already')
  })
  const { events, closes } = await again.measure(2000, 1)
  expect(events).toBeGreaterThan(1500)
  expect(events).toBeLessThan(2500)
  const after = await engines.log.ends(`fcm.${RUN}.activity`)
  const appended = after.reduce((sum, { next }, i) => sum + next - before[i]!.next, 0)
  expect(appended / closes).toBeGreaterThan(40)
})
