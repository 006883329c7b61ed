import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, expect, test } from 'vitest'
import { here } from '../bin/testing.ts'
import { dataDir, spawnFcm } from './testing.ts'

const { dir, remove } = dataDir()
afterAll(remove)

test('roles without an API tell how they are on a port of their own', async () => {
  const roles = spawnFcm(['run', 'count', 'store', '--data-dir', dir], { FCM_METRICS_PORT: '0' })
  await roles.says('"role":"count","partition":1')
  const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(roles.said.stdout) ?? []
  expect(await (await fetch(`${url}/readyz`)).json()).toEqual({ status: 'ok' })
  const metrics = await (await fetch(`${url}/metrics`)).text()
  expect(metrics).toContain('fcm_partitions_held{run="live",role="count",topic="fcm.live.activity"} 2\n')
  expect(metrics).toContain('process_cpu_seconds_total')
  // It is no matter of one process.
  expect(metrics).not.toContain('kafka_')
  roles.kill('SIGTERM')
  expect(await roles.ended).toMatchObject({ code: 0 })
})

test('a port that is taken is named by its setting', async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const { code, stderr } = await here(['run', 'sum', '--data-dir', dir], { FCM_METRICS_PORT: String(port) })
  expect(stderr).toContain(`FCM_METRICS_PORT "${port}": another program has it on 127.0.0.1`)
  expect(code).toBe(2)
  server.close()
})
