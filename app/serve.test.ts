import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { readConfig } from './config.ts'
import { openEngines } from './engines.ts'
import { serve } from './serve.ts'
import { dataDir } from './testing.ts'

test('closing does not wait for a connection on which nothing was ever asked', async () => {
  const { dir, remove } = dataDir()
  const engines = await openEngines(readConfig({ dataDir: dir, port: 0 }, {}))
  const { url, close } = await serve(engines)
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  await close()
  if (!socket.closed) await once(socket, 'close')
  await expect(fetch(`${url}/healthz`)).rejects.toThrow()
  await engines.close()
  remove()
})

test('an IPv6 address may stand in brackets', async () => {
  const { dir, remove } = dataDir()
  const engines = await openEngines(readConfig({ dataDir: dir, port: 0 }, { FCM_HOST: '[::1]' }))
  try {
    const { url, close } = await serve(engines)
    expect(url).toMatch(/^http:\/\/\[::1\]:\d+$/)
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
    await close()
  } finally {
    await engines.close()
    remove()
  }
})
