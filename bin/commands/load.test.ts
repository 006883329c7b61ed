import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { fcm, temporaryDir } from '../../app/testing.ts'
import { here } from '../testing.ts'

test('measures, says it as JSON, and leaves nothing behind', async () => {
  const { dir, remove } = temporaryDir()
  const { code, stdout, stderr } = await fcm(
    ['load', '--series', '10', '--rate', '2000', '--alerts', '2', '--json'],
    { TMPDIR: dir },
  )
  const { series, budget, trials } = JSON.parse(stdout)
  expect({ series, budget }).toEqual({ series: 10, budget: 150 })
  expect(trials).toHaveLength(1)
  expect(trials[0]).toMatchObject({ rate: 2000 })
  expect(trials[0].hops.decision.n).toBeGreaterThanOrEqual(2)
  expect(trials[0].holds).toBe(trials[0].hops.decision.p99 < 150)
  expect(code).toBe(0)
  expect(stderr).toMatch(/History: written and processed/)
  expect(readdirSync(dir).filter((name) => name.startsWith('fcm-load'))).toEqual([])
  remove()
})

test.each([
  ['--alerts', '0', 'above 0'],
  ['--rate', '-1', 'above 0'],
  ['--series', 'many', 'whole number'],
])('refuses %s %s', async (option, value, why) => {
  const { code, stderr } = await here(['load', option, value])
  expect(code).toBe(2)
  expect(stderr).toMatch(`${option} "${value}"`)
  expect(stderr).toMatch(why)
})
