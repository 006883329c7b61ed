/** What the browser tests of all pages share: a browser, the API over a scene, and what must never happen. */
import { accessSync } from 'node:fs'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect } from 'vitest'
import { type Host, startHost } from './host.ts'
import { HOSTILE } from './network.ts'
import { createScene, type Scene, type SceneOptions } from './scene.ts'

const CHROMIUM = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium'
const ARGUMENTS = [
  '--no-sandbox',
  '--headless',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
const there = (() => {
  try {
    accessSync(CHROMIUM)
    return true
  } catch {
    return false
  }
})()

/** As long as anything may take that comes by itself. */
export const SOON = { timeout: 60_000 }
/** Expects it before long: the machines of tests are busy. */
export const soon = <T>(value: () => Promise<T> | T) => expect.poll(value, SOON)
export const PHONE: BrowserContextOptions = {
  viewport: { width: 360, height: 740 },
  isMobile: true,
  hasTouch: true,
}

/** A fresh page on a fresh server for every test. */
export function createBench() {
  const bench = {
    browser: undefined as unknown as Browser,
    scene: undefined as unknown as Scene,
    host: undefined as unknown as Host,
    page: undefined as unknown as Page,
    /** Anything that must never happen: scripts of strangers, errors of ours, requests to other hosts. */
    wrongs: [] as string[],

    /** Serves something else than usual. */
    async serve(options: SceneOptions): Promise<void> {
      await bench.host?.close()
      bench.scene = createScene(options)
      bench.host = await startHost(bench.scene)
    },
    async open(hash = '', options: BrowserContextOptions = {}): Promise<Page> {
      const context = await bench.browser.newContext({ viewport: { width: 1280, height: 850 }, ...options })
      const page = await context.newPage()
      bench.page = page
      page.on('dialog', (dialog) => {
        bench.wrongs.push(`dialog: ${dialog.message()}`)
        void dialog.dismiss()
      })
      page.on('pageerror', (error) => bench.wrongs.push(`error: ${error.stack}`))
      page.on('console', (message) => {
        // A browser logs every connection that fails, which is what some tests are about.
        const broken = /ERR_(CONNECTION|INCOMPLETE|EMPTY)|EventSource/.test(message.text())
        if (message.type() === 'error' && !broken) bench.wrongs.push(message.text())
      })
      page.on('request', (request) => {
        if (!request.url().startsWith(bench.host.url)) bench.wrongs.push(`request to ${request.url()}`)
      })
      await page.goto(bench.host.url + hash)
      return page
    },
    /** What the address says, as path and parameters. */
    async where(): Promise<{ path: string } & Record<string, string>> {
      const hash = new URL(bench.page.url()).hash.slice(1)
      const [path = '', search = ''] = hash.split('?')
      return { path: decodeURIComponent(path), ...Object.fromEntries(new URLSearchParams(search)) }
    },
    /** Pixels of a chart's canvas that are near a colour variable's value, in the share of the width given. */
    pixels: (chart: string, variable: string, from = 0, to = 1): Promise<number> =>
      bench.page.evaluate(`(() => {
        const canvas = document.querySelector('.chart.${chart} canvas')
        const value = getComputedStyle(document.documentElement).getPropertyValue('--${variable}').trim()
        const want = [1, 3, 5].map((i) => parseInt(value.slice(i, i + 2), 16))
        const x = Math.floor(canvas.width * ${from})
        const { data } = canvas.getContext('2d').getImageData(x, 0, Math.floor(canvas.width * ${to}) - x, canvas.height)
        let found = 0
        for (let i = 0; i < data.length; i += 4) {
          if (data[i + 3] > 200 && want.every((c, j) => Math.abs(c - data[i + j]) < 12)) found++
        }
        return found
      })()`),
    texts: (selector: string): Promise<string[]> => bench.page.locator(selector).allTextContents(),
    text: (selector: string): Promise<string | null> => bench.page.locator(selector).first().textContent(),
    /** The text of what has the focus; empty where nothing has. */
    focused: (): Promise<string> =>
      bench.page.evaluate(
        "document.activeElement === document.body ? '' : document.activeElement.textContent",
      ),
    /** Takes what was refused, and what the browser said of it. */
    refusals(): string[] {
      bench.wrongs = bench.wrongs.filter((wrong) => !/status of (4|503)/.test(wrong))
      return bench.host.refused.splice(0)
    },
  }
  return bench
}
export type Bench = ReturnType<typeof createBench>

/** Under CI a missing browser is a failure, not a reason to skip. */
export function describeInBrowser(name: string, tests: (bench: Bench) => void): void {
  const bench = createBench()
  if (!there && process.env.CI !== 'true') {
    process.stderr.write(`${name}: skipped, there is no Chromium at ${CHROMIUM} (CHROMIUM_PATH).\n`)
  }
  describe.skipIf(!there && process.env.CI !== 'true')(name, () => {
    beforeAll(async () => {
      bench.browser = await chromium.launch({ executablePath: CHROMIUM, args: ARGUMENTS })
    })
    afterAll(() => bench.browser?.close())
    beforeEach(async () => {
      await bench.serve({})
      bench.wrongs = []
    })
    afterEach(async () => {
      await bench.page?.context().close()
      await bench.host.close()
      expect([...bench.wrongs, ...bench.host.refused]).toEqual([])
    })
    tests(bench)
  })
}

export const channelHash = (id: string, fields: Record<string, string> = {}): string =>
  `#/channel/${encodeURIComponent(id)}?${new URLSearchParams(fields)}`

/** Every page: its name, its address, and what stands there when it has all it shows. */
export const PAGES: [name: string, hash: string, ready: string][] = [
  ['overview', '#/', '.risk-table .spark.counts'],
  ['channel', channelHash(HOSTILE.channel), '.cast-list .text'],
  ['alert', '#/alert/a2', '.cast-list .text'],
  ['operations', '#/ops', '#source-channels tr'],
]
