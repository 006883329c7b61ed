/**
 * How long the query API takes over a million alerts and ten million signals in PostgreSQL, question by question.
 * `npm run bench:api`; `-- --alerts 10000 --signals 100000` for a small form. Ends with 1 where a 99th percentile is over the
 * budget. Figures are of one client that asks one question after another on this machine.
 */
import { parseArgs } from 'node:util'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { createApi } from '../../api/app.ts'
import { createDatabase } from '../../connectors/postgres/database/database.ts'
import { openStore } from '../../connectors/postgres/store.ts'
import { postgresPrograms, startPostgres } from '../../infra/postgres/server.ts'
import { memoryLog } from '../../pipeline/log/event-log.fake.ts'
import { questionsOf } from './questions.ts'
import { type Size, seed } from './seed.ts'

const BUDGET_MS = 50
const ROUNDS = 200
const WARM = 20

const { values } = parseArgs({
  options: {
    alerts: { type: 'string', default: '1000000' },
    signals: { type: 'string', default: '10000000' },
    channels: { type: 'string', default: '1000' },
    days: { type: 'string', default: '180' },
  },
})
const size: Size = {
  alerts: Number(values.alerts),
  signals: Number(values.signals),
  channels: Number(values.channels),
  days: Number(values.days),
}

const NOW = Date.UTC(2026, 10, 20)

const bin = postgresPrograms()
if (!bin) throw new Error('No PostgreSQL server is installed here (Debian: apt-get install postgresql-15).')
const server = await startPostgres(bin)
const began = Date.now()
const say = (what: string) =>
  process.stderr.write(`${((Date.now() - began) / 1000).toFixed(0).padStart(4)} s  ${what}\n`)
try {
  const store = await openStore({ url: server.url, now: () => NOW })
  const seeding = createDatabase({ connectionString: server.url, max: 1 })
  await seed(seeding.query, size, NOW, say)
  const { rows } = await seeding.query('SELECT fingerprint FROM alerts TABLESAMPLE SYSTEM (1) LIMIT 1000')
  await seeding.close()
  const app = await createApi({
    ...{ store, log: memoryLog(), metrics: new Registry(), logger: pino({ level: 'silent' }) },
    ...{ host: '127.0.0.1', version: '0.0.0', now: () => NOW },
  })
  const ask = async (url: string) => {
    const { statusCode, body } = await app.inject({ url, headers: { host: '127.0.0.1' } })
    if (statusCode !== 200) throw new Error(`${url} answers ${statusCode}: ${body}`)
    return JSON.parse(body)
  }
  const ids = rows.map((row) => row.fingerprint as string)
  const table: Record<string, Record<string, number>> = {}
  let missed = 0
  for (const [name, draw] of Object.entries(questionsOf(ids, size, NOW, ask))) {
    const times: number[] = []
    for (let i = -WARM; i < ROUNDS; i++) {
      const url = await draw()
      const asked = performance.now()
      await ask(url)
      if (i >= 0) times.push(performance.now() - asked)
    }
    times.sort((a, b) => a - b)
    const at = (share: number): number => Number(times[Math.ceil(share * times.length) - 1]!.toFixed(1))
    table[name] = { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) }
    if (at(0.99) > BUDGET_MS) missed++
  }
  console.log(`\n${size.alerts} alerts, ${size.signals} signals, ${size.channels} channels; ms:`)
  console.table(table)
  console.log(missed === 0 ? `All within ${BUDGET_MS} ms.` : `${missed} over ${BUDGET_MS} ms.`)
  process.exitCode = missed === 0 ? 0 : 1
  await app.close()
  await store.close()
} finally {
  await server.stop()
  server.remove()
}
