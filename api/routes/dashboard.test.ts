import { readdir } from 'node:fs/promises'
import { gunzipSync } from 'node:zlib'
import Fastify from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dashboardRoutes } from './dashboard.ts'

/** All of the page, in bytes as they go over the line: js, css, html and the chart library. */
const MOST = 200_000

describe("the dashboard's files", () => {
  const app = Fastify()
  beforeAll(async () => void (await app.register(dashboardRoutes)))
  afterAll(() => app.close())
  const get = (url: string, accept = '') => app.inject({ url, headers: { 'accept-encoding': accept } })

  it('come compressed to who takes that, and else as they are', async () => {
    for (const url of [
      '/',
      '/dashboard/dashboard.js',
      '/dashboard/pages/detail.css',
      '/vendor/uPlot.iife.min.js',
    ]) {
      const packed = await get(url, 'br, gzip')
      const plain = await get(url)
      expect([packed.statusCode, packed.headers['content-encoding']], url).toEqual([200, 'gzip'])
      expect(packed.headers.vary).toContain('accept-encoding')
      expect(plain.headers['content-encoding']).toBeUndefined()
      expect(gunzipSync(packed.rawPayload).equals(plain.rawPayload)).toBe(true)
      expect(packed.headers['content-type']).toBe(plain.headers['content-type'])
    }
    const known = (await get('/')).headers.etag as string
    const again = await app.inject({
      url: '/',
      headers: { 'accept-encoding': 'gzip', 'if-none-match': known },
    })
    expect([again.statusCode, again.body]).toEqual([304, ''])
  })

  it('are less than 200 KB', async () => {
    const folder = new URL('../dashboard/', import.meta.url)
    const files = (await readdir(folder, { recursive: true })).filter((name) => /\.(js|css|svg)$/.test(name))
    const urls = ['/', ...files.map((name) => `/dashboard/${name}`)]
    for (const [, src] of (await get('/')).body.matchAll(/(?:src|href)="(\/vendor\/[^"]+)"/g)) urls.push(src!)
    expect(urls.length).toBeGreaterThan(30)
    const answers = await Promise.all(urls.map((url) => get(url, 'gzip')))
    expect(answers.map((answer) => answer.statusCode)).toEqual(urls.map(() => 200))
    const bytes = answers.reduce((sum, answer) => sum + answer.rawPayload.length, 0)
    expect(bytes).toBeLessThan(MOST)
  })
})
