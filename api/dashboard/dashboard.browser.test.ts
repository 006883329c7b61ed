import { accessSync } from 'node:fs'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { HOSTILE, type MockApi, SUMMER, startMockApi } from './mock-api.ts'

const CHROMIUM = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium'
const there = (() => {
  try {
    accessSync(CHROMIUM)
    return true
  } catch {
    return false
  }
})()
if (!there && process.env.CI !== 'true') {
  process.stderr.write(
    `The dashboard's tests are skipped: there is no Chromium at ${CHROMIUM} (CHROMIUM_PATH).\n`,
  )
}

// Under CI a missing browser is a failure, not a reason to skip.
describe.skipIf(!there && process.env.CI !== 'true')('the dashboard', () => {
  let browser: Browser
  let mock: MockApi
  let page: Page
  /** Anything that must never happen: scripts of strangers, errors of ours, requests to other hosts. */
  let wrongs: string[]

  beforeAll(async () => {
    browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: [
        '--no-sandbox',
        '--headless',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    })
  })
  afterAll(() => browser?.close())

  beforeEach(async () => {
    mock = await startMockApi()
    wrongs = []
  })
  afterEach(async () => {
    await page?.context().close()
    await mock.close()
    expect([...wrongs, ...mock.refused]).toEqual([])
  })

  async function open(hash = '', options: BrowserContextOptions = {}): Promise<void> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 850 }, ...options })
    page = await context.newPage()
    page.on('dialog', (dialog) => {
      wrongs.push(`dialog: ${dialog.message()}`)
      void dialog.dismiss()
    })
    page.on('pageerror', (error) => wrongs.push(`error: ${error.stack}`))
    page.on('console', (message) => {
      if (message.type() === 'error' && !message.text().includes('ERR_CONNECTION_REFUSED'))
        wrongs.push(message.text())
    })
    page.on('request', (request) => {
      if (!request.url().startsWith(mock.url)) wrongs.push(`request to ${request.url()}`)
    })
    await page.goto(mock.url + hash)
  }
  const link = (fields: Record<string, string>): string => `#${new URLSearchParams(fields)}`
  const hash = (): Promise<Record<string, string>> =>
    page.evaluate('Object.fromEntries(new URLSearchParams(location.hash.slice(1)))')
  /** Pixels of a chart's canvas that are near a colour variable's value, in the share of the width given. */
  const pixels = (chart: string, variable: string, from = 0, to = 1): Promise<number> =>
    page.evaluate(`(() => {
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
    })()`)
  const charts = () => page.locator('.chart.counts canvas')
  const readout = () => page.locator('.chart.counts .readout')

  it('shows the series of the newest open alert, its band, its indicators and the alerts on it', async () => {
    await open()
    await charts().waitFor()
    expect(await page.locator('#chart-heading').textContent()).toBe('onchainsummer.xyz')
    expect(await readout().textContent()).toMatch(
      /26 Jan 14:00–14:05 UTC\d+ castsexpected [\d.]+95 % band \d+–\d+/,
    )
    await expect.poll(() => pixels('counts', 'line')).toBeGreaterThan(1000)
    expect(await pixels('counts', 'high')).toBeGreaterThan(100)
    expect(await pixels('counts', 'outside')).toBeGreaterThan(50)
    expect(await pixels('counts', 'gap')).toBeGreaterThan(100)
    expect(await pixels('variance', 'line')).toBeGreaterThan(300)
    expect(await pixels('autocorrelation', 'line')).toBeGreaterThan(300)
    expect(await page.locator('.chart.autocorrelation .readout').textContent()).toMatch(
      /stabilised 0\.\d+p [\d.]+raw 0\.\d+/,
    )
    expect(await page.locator('.legend li').allTextContents()).toEqual([
      '●low',
      '◆medium',
      '▲high severity',
      'how long the alert was open',
      'the count when it was opened',
      'outside the 95 % band',
      'not covered',
    ])
    expect(await page.locator('.chart.counts .plot').getAttribute('aria-label')).toMatch(
      /^Casts per 5 min: 26 Jan/,
    )
  })

  it('never draws a gap as a zero: nothing is drawn there, and the readout says how much is known', async () => {
    // 16 h to 18 h of 36 h before the end, so the share of the plot where the planted gap lies.
    await open(link({ channel: SUMMER, measure: 'casts', resolution: '300', at: '2026-01-25T17:30:00Z' }))
    await expect.poll(() => pixels('counts', 'line')).toBeGreaterThan(1000)
    expect(await pixels('counts', 'line', 0.425, 0.46)).toBe(0)
    expect(await pixels('counts', 'line', 0.5, 0.535)).toBeGreaterThan(50)
    expect(await pixels('variance', 'line', 0.425, 0.46)).toBe(0)
    expect(await readout().textContent()).toMatch(/UTCnot covered$/)
    const plot = page.locator('.chart.counts .plot')
    expect(await plot.getAttribute('title')).toMatch(
      /^No posts seen 2026-01-25 15:35 to 18:05 UTC: the hub did not answer <img/,
    )
    expect(await page.locator('.decision').textContent()).toMatch(
      /^No posts seen .*: the hub did not answer <img .* · Masked: not wholly covered$/,
    )
    const select = (at: string) =>
      page.evaluate(`location.hash = ${JSON.stringify(link({ channel: SUMMER, at }))}`)
    await select('2026-01-25T15:40:00Z')
    await expect.poll(() => readout().textContent()).toContain('only 40 % covered')
    await select('2026-01-25T18:10:00Z')
    await expect.poll(() => plot.getAttribute('title')).toBe('')
  })

  it('lists alerts, open ones first, filters them, and shows one with its evidence and the casts about it', async () => {
    await open()
    const items = page.locator('#alert-list button')
    await items.first().waitFor()
    const states = await page.locator('#alert-list .state').allTextContents()
    expect(states.slice(0, 4)).toEqual(['open', 'open', 'open', 'resolved'])
    expect(states.lastIndexOf('open')).toBe(2)
    expect(await items.first().textContent()).toContain('26 Jan 08:05')

    await page.selectOption('#filter-type', 'collapse')
    await expect
      .poll(async () => new Set(await page.locator('#alert-list .type').allTextContents()))
      .toEqual(new Set(['Collapse']))
    await page.selectOption('#filter-state', 'open')
    await page.getByText('No alert matches these filters.').waitFor()
    await page.selectOption('#filter-state', '')
    await page.selectOption('#filter-type', '')
    await expect.poll(() => items.count()).toBe(53)
    await page.locator('#alerts-more').click()
    await expect.poll(() => items.count()).toBe(74)

    expect(await page.locator('#alert-list .headline').first().textContent()).toBe(
      'Early warning in onchainsummer.xyz, opened by casts per 5 min',
    )
    await items.nth(3).click()
    await expect
      .poll(() => page.locator('#alert-detail .outcome').textContent())
      .toBe('Ended: Recovered: 3 bins within the expected band.')
    await items.first().click()
    await expect.poll(async () => (await hash()).alert).toBe('a1')
    await page.locator('#alert-detail .state.open').waitFor()
    expect(await page.locator('#alert-detail .outcome').count()).toBe(0)
    expect(await hash()).toMatchObject({ alert: 'a1', channel: SUMMER, at: '2026-01-26T08:00:00Z' })
    await page.locator('#alert-detail summary').click()
    expect(await page.locator('#alert-detail tbody tr').first().textContent()).toContain(
      'casts5 min26 Jan 08:006124.3',
    )
    await expect
      .poll(() => page.locator('#casts-sub').textContent())
      .toContain(
        '2026-01-26 07:45 to 08:20 UTC, newest first; the selected bin is 2026-01-26 08:00 to 08:05 UTC',
      )
    await expect.poll(() => page.locator('#cast-list time').first().textContent()).toBe('26 Jan 08:19')
  })

  it('follows what happens without a reload, and keeps the focus meanwhile', async () => {
    await open()
    const items = page.locator('#alert-list button')
    await items.nth(1).focus()
    const focused = (): Promise<string> => page.evaluate('document.activeElement.textContent')
    const before = await focused()
    await page.evaluate('window.sameDocument = true')
    mock.advance(2)
    mock.open('new', 'https://ethereum.org', 'Already 90 casts where 20 were expected.')
    await expect.poll(() => items.first().textContent(), { timeout: 8000 }).toContain('Already 90 casts')
    await expect.poll(() => readout().textContent(), { timeout: 8000 }).toContain('26 Jan 14:10–14:15 UTC')
    expect(await page.locator('#freshness-text').textContent()).toMatch(
      /^Event time 2026-01-26 14:15 UTC, \d s ago$/,
    )
    expect(await page.locator('#announce').textContent()).toContain('New alert: onset in ethereum.org')
    expect(await page.title()).toBe('(4) Farcaster Coordination Monitor')
    expect(await focused()).toBe(before)
    expect(await page.evaluate('window.sameDocument')).toBe(true)
  })

  it('shows hostile texts and names as texts: no script, no element, nothing turned around', async () => {
    await open(link({ channel: HOSTILE.channel, alert: 'a2' }))
    const texts = page.locator('#cast-list .text')
    await texts.first().waitFor()
    const shown = await texts.allTextContents()
    expect(shown).toContain(HOSTILE.script)
    expect(shown).toContain(HOSTILE.image)
    expect(shown).toContain('pay \ufffdfdp.exe\ufffd now \ufffd')
    expect(Math.max(...shown.map((text) => text.length))).toBe(501)
    expect(await page.locator('#chart-heading').textContent()).toBe(
      'evil.example/"><img src=x onerror=alert(3)>',
    )
    expect(await page.locator('#alert-detail .reason').textContent()).toContain(HOSTILE.image)
    expect(
      await page.evaluate(
        '[window.hacked === undefined, document.querySelectorAll("img, svg, script, a[href^=java]").length]',
      ),
    ).toEqual([true, 2])
    expect(await page.evaluate('document.documentElement.innerHTML.includes("\u202e")')).toBe(false)
  })

  it('is triaged by keyboard alone', async () => {
    await open()
    await page.locator('#alert-list button').first().waitFor()
    await page.locator('#filter-channel').focus()
    await page.keyboard.press('Tab')
    const focusedItem = (): Promise<number> =>
      page.evaluate('[...document.querySelectorAll("#alert-list button")].indexOf(document.activeElement)')
    expect(await focusedItem()).toBe(0)
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowDown')
    expect(await focusedItem()).toBe(2)
    expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe('solid')
    await page.keyboard.press('Enter')
    await expect.poll(async () => (await hash()).alert).toBe('a3')
    expect(await hash()).toMatchObject({ channel: '*', resolution: '3600' })
    expect(await page.locator('#alert-list [aria-current=true]').count()).toBe(1)

    await page.keyboard.press('/')
    await page.keyboard.type('ethereum')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await expect.poll(() => page.locator('#chart-heading').textContent()).toBe('ethereum.org')
    expect(await hash()).not.toHaveProperty('alert')

    // The slider follows what is drawn, and the new channel's hours are drawn once they have come.
    await expect.poll(() => page.locator('.scrub').getAttribute('aria-valuetext')).toMatch(/per 1 h/)
    await page.locator('.scrub').focus()
    await page.keyboard.press('ArrowLeft')
    await expect.poll(async () => (await hash()).at).toBe('2026-01-26T12:00:00Z')
    await page.keyboard.press('Escape')
    await expect.poll(async () => (await hash()).at).toBeUndefined()
  })

  it('keeps all that is looked at in the link, and goes back through it', async () => {
    await open(
      link({ channel: SUMMER, measure: 'reactions', resolution: '3600', end: '2026-01-20T00:00:00Z' }),
    )
    await expect
      .poll(() => page.locator('#chart-sub').textContent())
      .toBe('1 h bins · 2026-01-05 14:00 to 2026-01-20 00:00 UTC (14 d)')
    await expect.poll(() => page.locator('.chart.counts h3').textContent()).toBe('Reactions per 1 h')
    expect(await page.locator('#live').getAttribute('aria-pressed')).toBe('false')
    await page.getByLabel('Participants').check()
    await expect.poll(hash).toMatchObject({ measure: 'participants', resolution: '300' })
    await page.goBack()
    await expect.poll(hash).toMatchObject({ measure: 'reactions', resolution: '3600' })
    await page.locator('#live').click()
    await expect.poll(() => page.locator('#chart-sub').textContent()).toContain('to 2026-01-26 15:00 UTC')
  })

  it('zooms all charts together, and marks the moment that is clicked', async () => {
    await open(link({ channel: SUMMER }))
    await charts().waitFor()
    const over = page.locator('.chart.variance .u-over')
    const box = (await over.boundingBox())!
    await page.mouse.move(box.x + 200, box.y + 20)
    await page.mouse.down()
    await page.mouse.move(box.x + 400, box.y + 20, { steps: 4 })
    await page.mouse.up()
    await page.locator('.reset').waitFor()
    expect((await hash()).at).toBeUndefined()
    await over.click({ position: { x: 1, y: 20 } })
    const zoomed = Date.parse((await hash()).at!)
    const start = Date.parse('2026-01-26T14:05:00Z') - 36 * 3_600_000
    expect((zoomed - start) / 3_600_000).toBeCloseTo((200 / box.width) * 36, 0)
    await page.locator('.reset').click()
    await over.click({ position: { x: 1, y: 20 } })
    await expect.poll(async () => Date.parse((await hash()).at!)).toBe(start)
  })

  it('says what the server must tell of all that is shown, as text, and nothing when it has nothing to tell', async () => {
    await mock.close()
    mock = await startMockApi({ notice: `Simulated network ${HOSTILE.image}` })
    await open()
    await expect
      .poll(() => page.locator('#about-notice').textContent())
      .toBe(`Simulated network ${HOSTILE.image}`)
    expect(await page.locator('#about-notice').isVisible()).toBe(true)
    expect(await page.locator('.docs').getAttribute('href')).toBe('/docs')
    for (const notice of [null, undefined]) {
      await page.context().close()
      await mock.close()
      mock = await startMockApi({ notice })
      await open()
      await charts().waitFor()
      expect(await page.locator('#about-notice').isVisible()).toBe(false)
    }
    // Asked once, not at every poll.
    expect(mock.refused.splice(0)).toEqual(['/v1/about: There is no such thing.'])
    wrongs = wrongs.filter((wrong) => !wrong.includes('404'))
  })

  it("begins no earlier than the series' first bin, and pans no further back", async () => {
    await open(link({ channel: SUMMER, resolution: '21600' }))
    await expect
      .poll(() => page.locator('#chart-sub').textContent())
      .toBe('6 h bins · 2026-01-05 12:00 to 2026-01-26 18:00 UTC (21 d)')
    await expect.poll(() => pixels('counts', 'line', 0.06, 0.2)).toBeGreaterThan(50)
    expect(await page.locator('#earlier').isDisabled()).toBe(true)
    await page.getByLabel('1 h', { exact: true }).check()
    await expect.poll(() => page.locator('#earlier').isDisabled()).toBe(false)
    await page.locator('#earlier').click()
    await expect
      .poll(() => page.locator('#chart-sub').textContent())
      .toBe('1 h bins · 2026-01-05 14:00 to 2026-01-25 14:00 UTC (20 d)')
    expect(await page.locator('#earlier').isDisabled()).toBe(true)
  })

  it('says why a chart has nothing to show', async () => {
    await mock.close()
    mock = await startMockApi({ judged: (_, seconds) => seconds > 300 })
    await open(link({ channel: SUMMER }))
    const why = page.locator('.chart.variance .none')
    await expect.poll(() => why.textContent()).toBe('too little activity to judge at this resolution')
    expect(await why.isVisible()).toBe(true)
    await page.getByLabel('1 h', { exact: true }).check()
    await why.waitFor({ state: 'hidden' })
    expect(await page.locator('.chart.counts .none').isVisible()).toBe(false)
  })

  it('begins, when nothing is open, at the casts of the busiest channel that is judged', async () => {
    await mock.close()
    mock = await startMockApi({ types: ['collapse'], judged: (channel) => channel !== SUMMER })
    await open()
    await charts().waitFor()
    expect(await hash()).toMatchObject({
      channel: 'https://warpcast.com/~/channel/farcaster',
      measure: 'casts',
      resolution: '300',
    })
    const types = (): Promise<string[]> => page.locator('#filter-type option').allTextContents()
    expect(await types()).toEqual(['All types', 'Early warning', 'Collapse'])
    mock.open('new', SUMMER, 'Already 90 casts where 20 were expected.')
    await expect.poll(types, { timeout: 8000 }).toEqual(['All types', 'Early warning', 'Onset', 'Collapse'])
    await page.selectOption('#run', 'history')
    await page.getByText('No alerts in this run.').waitFor()
  })

  it("shows all of an alert's evidence on 390 px", async () => {
    await open(link({ channel: SUMMER, alert: 'a1' }), {
      viewport: { width: 390, height: 844 },
      isMobile: true,
      hasTouch: true,
    })
    await page.locator('#alert-detail summary').click()
    const cells = page.locator('#alert-detail td')
    expect(await cells.count()).toBe(20)
    for (const box of await Promise.all((await cells.all()).map((cell) => cell.boundingBox()))) {
      expect(box!.width).toBeGreaterThan(30)
      expect(box!.x + box!.width).toBeLessThanOrEqual(390)
    }
    expect(
      await page.evaluate('getComputedStyle(document.querySelector("#alert-detail td"), "::before").content'),
    ).toBe('"Measure"')
  })

  it.each(['alerts', 'channels', 'chart'])('fits 390 px without a horizontal scroll: %s', async (pane) => {
    await open('', { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true })
    await page.locator('#alert-list button').first().waitFor()
    await page.locator(`.tabs [data-show=${pane}]`).click()
    await page.locator(`[data-pane=${pane}]`).waitFor()
    if (pane === 'chart') await expect.poll(() => pixels('counts', 'line')).toBeGreaterThan(300)
    // A number, since a phone's innerWidth grows with what does not fit.
    const wide = await page.evaluate(`[...document.querySelectorAll('*')].filter((node) => {
      if (node.closest('.lag:not([open]) .popover')) return false
      const box = node.getBoundingClientRect()
      return box.width > 1 && (box.right > 390 + 0.5 || box.left < -0.5)
    }).map((node) => node.tagName + '.' + node.className).concat(
      [document.documentElement, document.querySelector('.panes')].filter((n) => n.scrollWidth > 390).map((n) => n.tagName))`)
    expect(wide).toEqual([])
  })

  it.each(['light', 'dark'] as const)('has the contrast of WCAG AA in %s', async (colorScheme) => {
    await open('', { colorScheme })
    await charts().waitFor()
    const luminance = (color: string): number => {
      const [r, g, b] = [1, 3, 5].map((i) => {
        const c = Number.parseInt(color.slice(i, i + 2), 16) / 255
        return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4
      }) as [number, number, number]
      return 0.2126 * r + 0.7152 * g + 0.0722 * b
    }
    const value = (name: string): Promise<string> =>
      page.evaluate(`getComputedStyle(document.documentElement).getPropertyValue('--${name}').trim()`)
    const contrast = async (a: string, b: string): Promise<number> => {
      const [high, low] = [luminance(await value(a)), luminance(await value(b))].sort((x, y) => y - x) as [
        number,
        number,
      ]
      return (high + 0.05) / (low + 0.05)
    }
    for (const ground of ['surface', 'ground', 'hover', 'current']) {
      for (const text of ['text', 'muted', 'accent', 'high', 'medium', 'low']) {
        expect(await contrast(text, ground), `${text} on ${ground}`).toBeGreaterThanOrEqual(4.5)
      }
    }
    expect(await contrast('on-accent', 'accent')).toBeGreaterThanOrEqual(4.5)
    expect(await contrast('bad', 'bad-ground')).toBeGreaterThanOrEqual(4.5)
    expect(await contrast('warn', 'warn-ground')).toBeGreaterThanOrEqual(4.5)
    for (const mark of ['line', 'outside', 'expected', 'border-strong', 'focus']) {
      expect(await contrast(mark, 'surface'), mark).toBeGreaterThanOrEqual(3)
    }
    // The charts follow the scheme too, also when it changes under them.
    await expect.poll(() => pixels('counts', 'line')).toBeGreaterThan(1000)
    await page.emulateMedia({ colorScheme: colorScheme === 'dark' ? 'light' : 'dark' })
    await expect.poll(() => pixels('counts', 'line')).toBeGreaterThan(1000)
  })

  it('says that the server is gone, keeps what it knew, and goes on when it is back', async () => {
    await open()
    await charts().waitFor()
    const alerts = await page.locator('#alert-list button').count()
    await mock.stop()
    await page
      .getByText(/Frozen since \d\d:\d\d:\d\d UTC: the server does not answer/)
      .waitFor({ timeout: 8000 })
    expect(await page.locator('#freshness-text').textContent()).toContain('frozen')
    expect(await page.locator('#alert-list button').count()).toBe(alerts)
    expect(await pixels('counts', 'line')).toBeGreaterThan(1000)
    await mock.restart()
    await page.locator('#notice').waitFor({ state: 'hidden', timeout: 8000 })
  })

  it('says what lags', async () => {
    mock.lag(75)
    await open()
    await page
      .getByText('Catching up: event time 2026-01-26 14:05 UTC reached, 6,000 records to go.')
      .waitFor()
    expect(await page.locator('#lag-badge').textContent()).toBe('Lag 75 s · 6,000')
    await page.locator('#lag-badge').click()
    expect(await page.locator('#lag-rows tr').first().textContent()).toBe('countactivity6,00075 s')
  })

  it('says what the source does: how far it is, what it missed, whom it asks, and what fails now', async () => {
    await open()
    await expect.poll(() => page.locator('#source-badge').textContent()).toBe('Gaps 2.1 %')
    mock.fail(2)
    mock.hold(3)
    await expect
      .poll(() => page.locator('#source-badge').textContent(), { timeout: 12_000 })
      .toBe('Gaps 2.1 % · 2 failing · 3 behind')
    await page.locator('#source-badge').click()
    expect(await page.locator('#source-measures tr').allTextContents()).toEqual([
      'posts26 Jan 14:00< 0.1 %',
      'replies26 Jan 12:502.1 %',
      'reactions26 Jan 12:50–',
    ])
    expect(await page.locator('#source-round').textContent()).toBe(
      'Last round of polls 26 Jan 14:05: 212 requests, 2 failed. Next from 26 Jan 14:10 on.',
    )
    expect(await page.locator('#source-hour').textContent()).toBe('Requests by channel, 26 Jan 13:00–14:00')
    expect(await page.locator('#source-count').textContent()).toBe('20 of 28')
    const rows = page.locator('#source-channels tr')
    expect(await rows.first().textContent()).toBe('onchainsummer.xyz1,480326 Jan 14:00––')
    // A server's words are a stranger's: text, and not too much of it.
    expect(await rows.nth(1).textContent()).toBe(
      `Fails now: HTTP status 503 ${HOSTILE.script} · Behind in replies and reactions`,
    )
    expect(await rows.nth(3).textContent()).toMatch(/^Fails now: .{200}… · Behind in reactions$/s)
    expect(await rows.nth(5).textContent()).toBe('Behind in replies and reactions')
    expect(await rows.nth(6).textContent()).toMatch(/^chain:/)
    expect(await page.locator('#source script, #source img').count()).toBe(0)
    expect(await page.evaluate('window.hacked')).toBeUndefined()
    // Nothing of it at a run that was not polled.
    await page.selectOption('#run', 'history')
    await page.locator('#source').waitFor({ state: 'hidden' })
  })

  it('shows all channels of the source when asked to, until its panel is closed', async () => {
    await open()
    await page.locator('#source-badge').click()
    await page.getByRole('button', { name: 'Show all 28' }).click()
    const names = page.locator('#source-channels .source-name')
    await expect.poll(() => names.count()).toBe(28)
    expect(await page.locator('#source-count').textContent()).toBe('28 followed')
    expect(await page.locator('#source-all').isVisible()).toBe(false)
    await page.locator('#source-badge').click()
    await expect.poll(() => names.count()).toBe(20)
  })

  it.each([
    ['#source', '#source-badge', '#source-measures'],
    ['#lag', '#lag-badge', '#lag-rows'],
  ])('closes %s at Escape and at a press elsewhere, not inside', async (_, badge, inside) => {
    await open()
    await page.locator(badge).click()
    await page.locator(inside).click()
    expect(await page.locator(inside).isVisible()).toBe(true)
    await page.locator('#alerts-heading').click()
    expect(await page.locator(inside).isVisible()).toBe(false)
    await page.locator(badge).click()
    expect(await page.locator(inside).isVisible()).toBe(true)
    await page.keyboard.press('Escape')
    expect(await page.locator(inside).isVisible()).toBe(false)
    expect(await page.evaluate('document.activeElement.id')).toBe(badge.slice(1))
  })

  it('cuts the front of channel names that are too long, and never turns them round', async () => {
    await open('', { viewport: { width: 390, height: 844 } })
    await page.locator('#source-badge').click()
    const cell = page.locator('#source-channels .source-name', { hasText: 'zora.co' })
    expect(await cell.textContent()).toMatch(/^zora\.co\/collect/)
    const shown = `(() => {
      const cell = [...document.querySelectorAll('.source-name')].find((c) => c.textContent.startsWith('zora.co'))
      const text = cell.querySelector('bdi').firstChild
      const box = cell.getBoundingClientRect()
      const seen = (i) => {
        const range = document.createRange()
        range.setStart(text, i)
        range.setEnd(text, i + 1)
        const { left, right } = range.getBoundingClientRect()
        return left >= box.left - 1 && right <= box.right + 1
      }
      return [seen(0), seen(text.length - 1)]
    })()`
    expect(await page.evaluate(shown)).toEqual([false, true])
    // A short one stands at the left.
    const [name, box] = (await page.evaluate(`(() => {
      const bdi = [...document.querySelectorAll('.source-name bdi')].find((b) => b.textContent === 'www.nba.com')
      return [bdi.getBoundingClientRect().left, bdi.parentElement.getBoundingClientRect().left]
    })()`)) as [number, number]
    expect(name - box).toBeLessThan(2)
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390)
  })

  it('says that there is no data yet, and starts by itself when there is', async () => {
    await mock.close()
    mock = await startMockApi({ empty: true })
    await open()
    await page.getByText('No data yet. Charts begin when').waitFor()
    await page.getByText('No alerts. They appear here by themselves.').waitFor()
    mock.fill()
    await charts().waitFor({ timeout: 8000 })
  })

  it("says so when a link's alert is not there", async () => {
    await open(link({ channel: SUMMER, alert: 'nope' }))
    await page.getByText("This alert can't be shown: There is no such thing.").waitFor()
    expect(mock.refused.splice(0)).toEqual(['/v1/alerts/nope: There is no such thing.'])
    wrongs = wrongs.filter((wrong) => !wrong.includes('404'))
  })
  it('says so when there is no such run, and shows another that is chosen', async () => {
    await open(link({ run: 'nope' }))
    await page.getByText('This can\'t be shown: There is no run "nope".').waitFor()
    expect(mock.refused.splice(0).length).toBeGreaterThan(0)
    wrongs = wrongs.filter((wrong) => !wrong.includes('404'))
    await page.selectOption('#run', 'live')
    await charts().waitFor()
    mock.refused.splice(0)
  })

  it('marks the alerts of the time shown, whatever the list is narrowed to, and selects one by its mark', async () => {
    await open(link({ channel: SUMMER }))
    await charts().waitFor()
    await page.selectOption('#filter-type', 'collapse')
    await expect.poll(() => page.locator('#alert-list .type').first().textContent()).toBe('Collapse')
    expect(await pixels('counts', 'high')).toBeGreaterThan(100)
    const box = (await page.locator('.chart.counts .u-over').boundingBox())!
    await page.mouse.click(box.x + (30 / 36) * box.width, box.y + 30)
    await expect.poll(async () => (await hash()).alert).toBe('a1')
  })
})
