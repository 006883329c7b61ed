/** Holds the list of metrics in `operations.md` to what a process has. */
import { readFileSync } from 'node:fs'
import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { testApi } from '../api/testing.ts'
import { createMetrics } from '../pipeline/runtime/host.ts'

const page = readFileSync(new URL('operations.md', import.meta.url), 'utf8')
const listed = [...page.matchAll(/^\| `((?:fcm|kafka)_\w+)` +\| ([^|]*) \|/gm)].map(([, name, labels]) => ({
  name: name!,
  labels: labels!
    .trim()
    .split(', ')
    .filter((label) => label !== ''),
}))

test('every metric is listed, with its labels, and has a help text; no other is', async () => {
  const registry = new Registry()
  createMetrics(registry)
  const { app } = await testApi({ metrics: registry })
  await app.ready()
  const metrics = registry.getMetricsAsArray() as unknown as {
    name: string
    help: string
    labelNames: string[]
  }[]
  const there = metrics.map(({ name, labelNames }) => ({ name, labels: [...labelNames] }))
  const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1)
  expect(listed.sort(byName)).toEqual(there.sort(byName))
  expect(metrics.filter(({ help }) => help.length < 10)).toEqual([])
  await app.close()
})
