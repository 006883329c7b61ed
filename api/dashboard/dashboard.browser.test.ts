import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { expect, it } from 'vitest'
import { channelHash, describeInBrowser, PHONE, SOON, soon } from './browser-testing.ts'
import { HOSTILE, SUMMER } from './mock-api.ts'

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js')
const PAGES: [name: string, hash: string, ready: string][] = [
  ['overview', '#/', '.risk-table .spark.counts'],
  ['channel', channelHash(HOSTILE.channel), '.cast-list .text'],
  ['alert', '#/alert/a2', '.cast-list .text'],
  ['operations', '#/ops', '#source-channels tr'],
]

describeInBrowser('the dashboard', (bench) => {
  const { open, text, texts, where, focused } = bench

  it.each(PAGES)('%s: axe finds nothing, in light and in dark', async (_, hash, ready) => {
    bench.mock.fail(1)
    bench.mock.hold(2)
    bench.mock.cap(2)
    bench.mock.bury('not a message')
    const script = await readFile(AXE, 'utf8')
    await open(hash, { colorScheme: 'light' })
    await bench.page.locator(ready).first().waitFor()
    for (const theme of ['light', 'dark']) {
      await soon(() => bench.page.evaluate('document.documentElement.dataset.theme')).toBe(theme)
      await bench.page.evaluate(script)
      const found = await bench.page.evaluate(
        "axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }).then(({ violations }) => violations.map((v) => v.id + ': ' + v.nodes.map((n) => n.html + ' ' + n.failureSummary).join(' | ')))",
      )
      expect(found, theme).toEqual([])
      await bench.page.emulateMedia({ colorScheme: 'dark' })
    }
  })

  it.each(PAGES)(
    '%s: shows hostile texts and names as texts, and fits a phone with them',
    async (_, hash, ready) => {
      bench.mock.fail(2)
      bench.mock.bury(`${HOSTILE.script} ${HOSTILE.long}`)
      await open(hash, PHONE)
      await bench.page.locator(ready).first().waitFor()
      const shown = await bench.page.locator('main').textContent()
      expect(shown).toContain(
        hash === '#/ops' ? HOSTILE.script : 'evil.example/"><img src=x onerror=alert(3)>',
      )
      if (ready === '.cast-list .text') {
        const casts = await texts('.cast-list .text')
        expect(casts).toContain(HOSTILE.script)
        expect(casts).toContain(HOSTILE.image)
        expect(casts).toContain('pay \ufffdfdp.exe\ufffd now \ufffd')
        expect(Math.max(...casts.map((cast) => cast.length))).toBe(501)
      }
      if (hash === '#/alert/a2') {
        expect(await text('.why')).toContain(HOSTILE.image)
        expect(await text('.evidence tbody')).toContain(HOSTILE.image)
      }
      expect(
        await bench.page.evaluate(
          '[window.hacked === undefined, document.querySelectorAll("main img, main script, main [onload], main [onerror], a[href^=java], iframe").length]',
        ),
      ).toEqual([true, 0])
      expect(await bench.page.evaluate('document.documentElement.innerHTML.includes("\u202e")')).toBe(false)
      // A number, since a phone's innerWidth grows with what does not fit.
      const wide = await bench.page.evaluate(`[...document.querySelectorAll('body *')].filter((node) => {
      if (node.closest('.scroll, dialog, svg.sr')) return false
      const box = node.getBoundingClientRect()
      return box.width > 1 && (box.right > 360.5 || box.left < -0.5) && getComputedStyle(node).clipPath === 'none'
        && !node.closest('.name')
    }).map((node) => node.tagName + '.' + node.className).concat(
      [document.documentElement, document.querySelector('main')].filter((n) => n.scrollWidth > 360).map((n) => n.tagName))`)
      expect(wide).toEqual([])
    },
  )

  it('shows a new alert by itself, says so to who can not see, and keeps the focus', async () => {
    await open()
    const alerts = bench.page.locator('.alert-list a')
    await alerts.nth(1).focus()
    const before = await focused()
    await bench.page.evaluate('window.sameDocument = true')
    bench.mock.advance(2)
    bench.mock.open('new', 'https://ethereum.org', 'Already 90 casts where 20 were expected.')
    await soon(() => alerts.first().textContent()).toContain('Already 90 casts')
    await soon(() => text('#freshness-text')).toMatch(/^2026-01-26 14:15 UTC · \d s ago$/)
    expect(await text('#announce')).toBe('New alert: Onset in ethereum.org, severity high')
    expect(await text('.tag.new')).toBe('new')
    expect(await bench.page.title()).toBe('(4) Overview · Farcaster Coordination Monitor')
    expect(await focused()).toBe(before)
    expect(await bench.page.evaluate('window.sameDocument')).toBe(true)
  })

  it('leaves alone what someone is about to use: the focus, what is marked, what is pressed', async () => {
    bench.mock.fail(1)
    await open('#/ops')
    const link = bench.page.locator('#source-channels a').nth(1)
    await link.focus()
    const name = await focused()
    bench.mock.fail(2)
    await soon(() => bench.page.locator('tr.failing.wrong').count()).toBe(2)
    expect(await focused()).toBe(name)
    // The text that says why the first fails.
    const mark = `getSelection().selectAllChildren(document.querySelector('.source-why'))`
    await bench.page.evaluate(mark)
    const marked = (): Promise<string> => bench.page.evaluate('getSelection().toString()')
    const before = await marked()
    expect(before).toContain('Fails now')
    bench.mock.fail(0)
    bench.mock.advance(1)
    await soon(() => text('.health')).toContain('2026-01-26 14:10')
    expect(await marked()).toBe(before)
    await bench.page.evaluate('getSelection().removeAllRanges()')
    await soon(() => bench.page.locator('tr.failing').count()).toBe(0)
    await bench.page.mouse.move(640, 300)
    await bench.page.mouse.down()
    bench.mock.advance(1)
    await bench.page.waitForTimeout(2500)
    expect(await text('.health')).toContain('14:10')
    await bench.page.mouse.up()
    await soon(() => text('.health')).toContain('14:15')
  })

  it('is told at once what happens, and of what happened while the stream was cut', async () => {
    await open()
    await soon(() => bench.mock.listeners()).toBe(1)
    await soon(() => bench.page.locator('.dot').getAttribute('class')).toBe('dot fresh')
    await bench.page.locator('.alert-list a').first().waitFor()
    // When it has asked what it asks for on arrival: far sooner than it would ask again by itself.
    await bench.page.waitForTimeout(2500)
    const asked = Date.now()
    bench.mock.open('first', 'https://ethereum.org', 'First.')
    await expect.poll(() => texts('.alert-list .reason'), { timeout: 2500, interval: 50 }).toContain('First.')
    expect(Date.now() - asked).toBeLessThan(2500)
    bench.mock.cut()
    bench.mock.open('second', 'https://ethereum.org', 'Second.')
    await soon(() => texts('.alert-list .reason')).toContain('Second.')
    await soon(() => bench.mock.resumed).toEqual([1])
    await soon(() => bench.mock.listeners()).toBe(1)
  })

  it('holds no connection for a tab that nobody sees, and catches up when somebody does', async () => {
    await open()
    await soon(() => bench.mock.listeners()).toBe(1)
    const see = (hidden: boolean) =>
      bench.page.evaluate(
        `Object.defineProperty(document, 'hidden', { value: ${hidden}, configurable: true }); document.dispatchEvent(new Event('visibilitychange'))`,
      )
    await see(true)
    await soon(() => bench.mock.listeners()).toBe(0)
    bench.mock.open('new', 'https://ethereum.org', 'Already 90 casts.')
    await see(false)
    await soon(() => texts('.alert-list .reason')).toContain('Already 90 casts.')
    await soon(() => bench.mock.listeners()).toBe(1)
  })

  it('prints light, charts too, whatever the theme', async () => {
    await open(channelHash(SUMMER), { colorScheme: 'dark' })
    await soon(() => bench.pixels('counts', 'line')).toBeGreaterThan(1000)
    await bench.page.emulateMedia({ media: 'print' })
    const ground = `getComputedStyle(document.body).backgroundColor`
    await soon(() => bench.page.evaluate(ground)).toBe('rgb(246, 247, 249)')
    await soon(() => bench.pixels('counts', 'line')).toBeGreaterThan(1000)
    expect(await bench.page.locator('.controls').isVisible()).toBe(false)
    expect(await bench.page.evaluate('document.querySelector("main").scrollHeight <= innerHeight')).toBe(
      false,
    )
    expect(await bench.page.evaluate('getComputedStyle(document.querySelector("main")).overflowY')).toBe(
      'visible',
    )
  })

  it('asks when there is no stream to be had, says so, and takes it when there is', async () => {
    bench.mock.stream(false)
    await open()
    await soon(() => bench.page.locator('.dot').getAttribute('class')).toBe('dot polled')
    expect(await bench.page.locator('#freshness').getAttribute('title')).toContain('asked every 3 s')
    bench.mock.open('new', 'https://ethereum.org', 'Already 90 casts.')
    await soon(() => text('.alert-list .reason')).toBe('Already 90 casts.')
    bench.mock.stream(true)
    await expect
      .poll(() => bench.page.locator('.dot').getAttribute('class'), { timeout: 14_000 })
      .toBe('dot fresh')
    bench.refusals()
  })

  it('says that the server is gone, keeps what it knew, and goes on when it is back', async () => {
    await open(channelHash(SUMMER))
    await bench.page.locator('.chart.counts canvas').waitFor()
    bench.mock.trouble('The store does not answer.')
    bench.mock.advance(1)
    await bench.page
      .getByText(/Frozen since .*: the server does not answer \(The store does not answer\.\)/)
      .waitFor({ timeout: 14_000 })
    bench.mock.trouble('')
    await bench.page.locator('#notice').waitFor({ state: 'hidden', timeout: 8000 })
    bench.refusals()
    await bench.mock.stop()
    await bench.page
      .getByText(/Frozen since \d\d:\d\d:\d\d UTC: the server does not answer/)
      .waitFor({ timeout: 8000 })
    expect(await text('#freshness-text')).toContain('frozen')
    expect(await bench.pixels('counts', 'line')).toBeGreaterThan(1000)
    // Another page, of which nothing is known yet.
    await bench.page.keyboard.press('1')
    await bench.page.locator('.triage').waitFor()
    await bench.mock.restart()
    await bench.page.locator('#notice').waitFor({ state: 'hidden', timeout: 8000 })
    await bench.page.locator('.alert-list a').first().waitFor(SOON)
    await expect
      .poll(() => bench.page.locator('.dot').getAttribute('class'), { timeout: 14_000 })
      .toBe('dot fresh')
  })

  it('goes to every page by key, and shows the keys', async () => {
    await open()
    await bench.page.locator('.alert-list a').first().waitFor()
    const { keyboard } = bench.page
    await keyboard.press('4')
    await soon(where).toEqual({ path: '/ops' })
    await keyboard.press('2')
    await soon(async () => (await where()).path).toBe(`/channel/${SUMMER}`)
    await keyboard.press('3')
    await soon(async () => (await where()).path).toBe('/alert/a1')
    for (const [letter, path] of [
      ['p', '/ops'],
      ['c', `/channel/${SUMMER}`],
      ['a', '/alert/a1'],
      ['o', '/'],
    ] as const) {
      await keyboard.press('g')
      await keyboard.press(letter)
      await soon(async () => (await where()).path).toBe(path)
    }
    expect(await bench.page.locator('[aria-current=page]').textContent()).toContain('Overview')
    await keyboard.press('?')
    await bench.page.getByText('light or dark').waitFor()
    // Keys mean nothing to the page while it is open, and Escape closes it and no more.
    await keyboard.press('4')
    await keyboard.press('Escape')
    await bench.page.getByText('light or dark').waitFor({ state: 'hidden' })
    expect(await where()).toEqual({ path: '/' })
    // What is typed is not a command.
    await keyboard.press('/')
    await keyboard.type('4?')
    expect(await where()).toEqual({ path: '/' })
    expect(await bench.page.locator('.search').inputValue()).toBe('4?')
  })

  it('skips to the page, and lets nobody get stuck in it', async () => {
    await open(channelHash(SUMMER))
    await bench.page.locator('.chart.counts canvas').waitFor()
    await bench.page.keyboard.press('Tab')
    expect(await focused()).toBe('Skip to the page')
    await bench.page.keyboard.press('Enter')
    expect(await bench.page.evaluate('document.activeElement.id')).toBe('page')
    const seen = new Set<string>()
    for (let i = 0; i < 60; i++) {
      await bench.page.keyboard.press('Tab')
      const at: string = await bench.page.evaluate(
        'document.activeElement === document.body ? "" : document.activeElement.outerHTML.slice(0, 200)',
      )
      if (at === '' || (i > 5 && at.includes('class="skip"'))) return
      seen.add(at)
    }
    expect(`out of the page after ${seen.size} stops`).toBe('out of the page')
  })

  it('is light or dark as the system is, or as it was told, also the next time', async () => {
    await open('', { colorScheme: 'dark' })
    const theme = (): Promise<string> => bench.page.evaluate('document.documentElement.dataset.theme')
    expect(await theme()).toBe('dark')
    await bench.page.getByRole('button', { name: 'Light' }).click()
    await soon(theme).toBe('light')
    await bench.page.reload()
    expect(await theme()).toBe('light')
    await bench.page.keyboard.press('t')
    await soon(theme).toBe('dark')
    // Told nothing but what the system says, it follows the system.
    await bench.page.emulateMedia({ colorScheme: 'light' })
    await soon(theme).toBe('light')
    await bench.page.goto(bench.mock.url + channelHash(SUMMER))
    await soon(() => bench.pixels('counts', 'line')).toBeGreaterThan(1000)
    await bench.page.keyboard.press('t')
    await soon(() => bench.pixels('counts', 'line')).toBeGreaterThan(1000)
  })

  it('moves nothing for who wants no motion', async () => {
    await open('', { reducedMotion: 'reduce' })
    await bench.page.locator('.alert-list a').first().waitFor()
    bench.mock.open('new', 'https://ethereum.org', 'Already 90 casts.')
    await bench.page.locator('.alert-list a.fresh').waitFor(SOON)
    const moving = (): Promise<number> => bench.page.evaluate('document.getAnimations().length')
    expect(await moving()).toBe(0)
    await bench.page.context().close()
    await open()
    await bench.page.locator('.alert-list a').first().waitFor()
    bench.mock.open('newer', 'https://ethereum.org', 'Already 91 casts.')
    await bench.page.locator('.alert-list a.fresh').waitFor(SOON)
    expect(await moving()).toBeGreaterThan(0)
  })

  it('has the contrast of WCAG AA on every ground, also of what axe does not see', async () => {
    await open()
    await bench.page.locator('.alert-list a').first().waitFor()
    const value = (name: string): Promise<string> =>
      bench.page.evaluate(`getComputedStyle(document.documentElement).getPropertyValue('--${name}').trim()`)
    for (const theme of ['light', 'dark']) {
      if (theme === 'dark') await bench.page.keyboard.press('t')
      const contrast = async (a: string, b: string): Promise<number> => {
        const [high, low] = [luminance(await value(a)), luminance(await value(b))].sort((x, y) => y - x) as [
          number,
          number,
        ]
        return (high + 0.05) / (low + 0.05)
      }
      for (const ground of ['surface', 'ground', 'hover', 'current']) {
        for (const ink of ['text', 'muted', 'accent', 'high', 'medium', 'low', 'score', 'outside']) {
          expect(await contrast(ink, ground), `${ink} on ${ground}, ${theme}`).toBeGreaterThanOrEqual(4.5)
        }
      }
      for (const mark of ['line', 'outside', 'expected', 'score', 'threshold', 'border-strong', 'focus']) {
        expect(await contrast(mark, 'surface'), `${mark}, ${theme}`).toBeGreaterThanOrEqual(3)
      }
    }
  })

  it('says what the server must tell of all that is shown, as text, and nothing when it has nothing to tell', async () => {
    await bench.serve({ notice: `Simulated network ${HOSTILE.image}` })
    await open()
    await soon(() => text('#about-notice')).toBe(`Simulated network ${HOSTILE.image}`)
    expect(await bench.page.locator('#about-notice').isVisible()).toBe(true)
    // It is of what is live.
    await bench.page.selectOption('#run', 'history')
    await bench.page.locator('#about-notice').waitFor({ state: 'hidden' })
    await bench.page.selectOption('#run', 'live')
    await bench.page.locator('#about-notice').waitFor()
    await bench.page.context().close()
    await bench.serve({ notice: undefined })
    await open()
    await bench.page.locator('.alert-list a').first().waitFor()
    bench.mock.advance(1)
    await soon(() => text('#freshness-text')).toMatch(/14:10/)
    expect(await bench.page.locator('#about-notice').isVisible()).toBe(false)
    // Asked once, not at every poll.
    expect(bench.refusals()).toEqual(['/v1/about: There is no such thing.'])
  })

  it('says so when there is no such run, and shows another that is chosen', async () => {
    await open('#/?run=nope')
    await bench.page.getByText('This can\'t be shown: There is no run "nope".').first().waitFor()
    await bench.page.selectOption('#run', 'live')
    await bench.page.locator('.alert-list a').first().waitFor()
    expect(await bench.page.locator('#notice').isVisible()).toBe(false)
    expect(bench.refusals().length).toBeGreaterThan(0)
  })

  it('calls a channel `/x` where it has exactly the URL of one, and nothing else', async () => {
    await open()
    const names: [id: string, label: string][] = [
      ['https://warpcast.com/~/channel/founders', '/founders'],
      ['https://farcaster.xyz/~/channel/dev-chat', '/dev-chat'],
      ['https://onchainsummer.xyz/a', 'onchainsummer.xyz/a'],
      ['http://onchainsummer.xyz', 'http://onchainsummer.xyz'],
      ['http://warpcast.com/~/channel/founders', 'http://warpcast.com/~/channel/founders'],
      ['https://warpcast.com/~/channel/founders/', 'warpcast.com/~/channel/founders/'],
      ['https://warpcast.com/~/channel/founders?x', 'warpcast.com/~/channel/founders?x'],
      ['https://warpcast.com/~/channel/f\u043eunders', 'warpcast.com/~/channel/f\u043eunders'],
      ['https://warpcast.com/~/channel/founders\u200b', 'warpcast.com/~/channel/founders\u200b'],
      ['https://warpcast.com/~/channel/founders\n', 'warpcast.com/~/channel/founders\n'],
      ['https://warpcast.com.evil.example/~/channel/x', 'warpcast.com.evil.example/~/channel/x'],
      ['https:///founders', 'https:///founders'],
      ['https://\u200b/founders', 'https://\u200b/founders'],
      ['https://All channels', 'https://All channels'],
      ['/founders', '"/founders"'],
      ['\u200b/founders', '"\u200b/founders"'],
      [' /founders', '" /founders"'],
      ['All channels', '"All channels"'],
      ['', '""'],
      ['chain://eip155:1/erc721:0xabc', 'chain://eip155:1/erc721:0xabc'],
      ['*', 'All channels'],
      ['_', 'No channel'],
    ]
    const said = await bench.page.evaluate(
      `import('/dashboard/format.js').then(({ channelLabel }) => ${JSON.stringify(names.map(([id]) => id))}.map(channelLabel))`,
    )
    expect(said).toEqual(names.map(([, label]) => label))
  })

  it('shows the overview for an address that means nothing', async () => {
    await open('#/nonsense')
    await bench.page.locator('.alert-list a').first().waitFor()
    for (const hash of ['#/channel/%zz', '#/alert/', '#channel=old', '#/?resolution=7&measure=x']) {
      await bench.page.evaluate(`location.hash = '#/ops'`)
      await soon(() => bench.page.title()).toContain('Operations')
      await bench.page.evaluate(`location.hash = ${JSON.stringify(hash)}`)
      await soon(() => bench.page.title()).toContain('Overview')
    }
  })
})

/** Of a colour like `#1a2b3c`, as WCAG defines it. */
function luminance(color: string): number {
  const [r, g, b] = [1, 3, 5].map((i) => {
    const c = Number.parseInt(color.slice(i, i + 2), 16) / 255
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4
  }) as [number, number, number]
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}
