import { expect, it } from 'vitest'
import { describeInBrowser, PHONE, SOON, soon } from '../testing/bench.ts'
import { START } from '../testing/network.ts'

describeInBrowser('the overview', (bench) => {
  const { open, text, texts, focused, where } = bench
  const rows = () => bench.page.locator('.risk-table tbody tr')
  const alerts = () => bench.page.locator('.alert-list a')

  it('shows channels by risk: score, count against what is expected, the last hours, open alerts', async () => {
    await open()
    await rows().first().waitFor()
    expect(await rows().count()).toBe(29)
    const cells = await rows().first().locator('th, td').allTextContents()
    expect(cells[0]).toBe('onchainsummer.xyz▲ Early warning 6 h')
    expect(cells[1]).toMatch(/^0\.9\d$/)
    expect(cells[3]).toMatch(/^\d+$/)
    expect(cells[4]).toMatch(/^[\d.]+$/)
    expect(cells[6]).toBe('0.002')
    expect(cells[7]).toBe('Alert held open')
    const bar = '.risk-table tbody tr:first-child .fill'
    const score = Number(cells[1])
    const shares = (await bench.page.evaluate(
      `[document.querySelector('${bar}').getBoundingClientRect().width, document.querySelector('.meter').getBoundingClientRect().width]`,
    )) as [number, number]
    expect(shares[0] / shares[1]).toBeCloseTo(score, 1)
    await soon(() => bench.page.locator('tr.warned').count()).toBe(1)
    // Where the detectors' words say that the threshold is.
    expect(await bench.page.evaluate("document.querySelector('.tick').style.left")).toBe('60%')
    // A line of 72 bins, and no more than 29 rows of them.
    const course = await bench.page.locator('.spark.counts .course').first().getAttribute('d')
    expect(course!.split('L').length).toBeGreaterThan(60)
    expect(await text('.risks .head .muted')).toBe('29 · last bin ends 26 Jan 14:05 UTC')
  })

  it('draws what was not covered as a hole, never as a zero', async () => {
    // The gap is 20 to 22.5 hours before the start, so within the last 6 hours of then.
    await bench.serve({ start: START - 19 * 3_600_000 })
    await open()
    await rows().first().waitFor()
    const spark = rows().filter({ hasText: 'onchainsummer.xyz' }).locator('.spark.counts')
    const holes = (await spark.locator('.hole').getAttribute('d'))!
    // 2.5 hours of bins of 5 minutes, each 2 px wide.
    expect(holes.split('z').length - 1).toBe(30)
    const course = (await spark.locator('.course').getAttribute('d'))!
    expect(course.split('M').length - 1).toBe(2)
    const inHole = [...holes.matchAll(/M(\d+) /g)].map((match) => Number(match[1]))
    const drawn = [...course.matchAll(/[ML](\d+) /g)].map((match) => Number(match[1]))
    expect(drawn.filter((x) => x >= Math.min(...inHole) && x <= Math.max(...inHole))).toEqual([])
  })

  it('lists open alerts, newest first or worst first, of a type, and those that are resolved', async () => {
    await open()
    await alerts().first().waitFor()
    const types = (): Promise<string[]> => texts('.alert-list .type')
    const choose = (label: string, value: string) => bench.page.getByLabel(label).selectOption(value)
    expect((await types()).slice(0, 4)).toEqual(['Early warning', 'Onset', 'Early warning', 'Collapse'])
    expect((await texts('.alert-list .severity')).slice(0, 3)).toEqual(['▲ high', '◆ medium', '● low'])
    // Open ones first.
    expect(await texts('.alert-list .tag')).toEqual(Array(50).fill('resolved'))
    expect(await bench.page.locator('.alert-list li:nth-child(3) .tag').count()).toBe(0)
    await choose('Alert state', 'open')
    await soon(() => alerts().count()).toBe(3)
    expect(await alerts().first().textContent()).toMatch(
      /^▲ high ?Early warning26 Jan 08:05 6 h agoonchainsummer.xyzscore 0\.\d\dcasts: CNN-LSTM score 0.83 .*Variance 2.4 times/,
    )
    expect(await text('.triage .head .muted')).toBe('3 open · 1 high · 3 alerts listed')
    bench.scene.open('new', 'https://ethereum.org', 'Already 90 casts where 20 were expected.')
    await soon(types).toEqual(['Onset', 'Early warning', 'Onset', 'Early warning'])
    bench.scene.soften('new')
    await choose('Order of alerts', 'worst')
    await soon(types).toEqual(['Early warning', 'Onset', 'Onset', 'Early warning'])

    await choose('Alert type', 'collapse')
    await bench.page.getByText('No alert matches these filters.').waitFor()
    await choose('Alert state', '')
    await soon(async () => new Set(await types())).toEqual(new Set(['Collapse']))
    expect(await texts('.alert-list .tag')).toContain('resolved')
    await choose('Alert type', '')
    await choose('Alert state', 'resolved')
    await soon(() => alerts().count()).toBe(50)
    await bench.page.getByRole('button', { name: 'Show older alerts' }).click()
    await soon(() => alerts().count()).toBe(71)
  })

  it('says how many alerts the daily cap leaves out, and shows them to who asks', async () => {
    bench.scene.cap(12)
    await open()
    await bench.page.getByRole('button', { name: '12 more beyond the daily cap: show them' }).click()
    const beyond = async () => (await texts('.alert-list .tag')).filter((tag) => tag === 'beyond cap').length
    await soon(beyond).toBe(12)
    await bench.page.getByRole('button', { name: 'Hide those beyond the daily cap' }).click()
    await soon(beyond).toBe(0)
  })

  it('finds a channel, also one that is not listed at first, and opens it', async () => {
    await bench.serve({ rooms: 80 })
    await open()
    await soon(() => rows().count()).toBe(60)
    expect(await text('.risks .head .muted')).toMatch(/^60 or more · /)
    await bench.page.keyboard.press('/')
    await bench.page.keyboard.type('room-78')
    await soon(() => rows().count()).toBe(1)
    expect(await text('.risks .head .muted')).toMatch(/^1 of 91/)
    await bench.page.keyboard.press('Enter')
    await soon(async () => (await where()).path).toBe('/channel/https://example.org/room-78')
    await bench.page.keyboard.press('Escape')
    await rows().first().waitFor()
    await bench.page.keyboard.press('/')
    await bench.page.keyboard.press('ControlOrMeta+a')
    await bench.page.keyboard.type('zzz')
    await bench.page.getByText('No channel is called that.').waitFor()
    await bench.page.keyboard.press('Escape')
    await soon(() => rows().count()).toBe(91)
    await bench.page.reload()
    await bench.page.getByRole('button', { name: 'Show more channels' }).click()
    await soon(() => rows().count()).toBe(91)
  })

  it('moves through alerts and then channels by keyboard, opens one and comes back to it', async () => {
    await open()
    await rows().first().waitFor()
    const { keyboard } = bench.page
    await keyboard.press('j')
    expect(await focused()).toContain('onchainsummer.xyz')
    expect(await bench.page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe('solid')
    await keyboard.press('ArrowDown')
    await keyboard.press('k')
    await keyboard.press('j')
    expect(await focused()).toContain('evil.example')
    await keyboard.press('Enter')
    await soon(where).toEqual({ path: '/alert/a2' })
    await bench.page.locator('.story h2').waitFor()
    await keyboard.press('Escape')
    await soon(where).toEqual({ path: '/' })
    expect(await focused()).toContain('evil.example')
    await keyboard.press('End')
    await keyboard.press('j')
    expect(await bench.page.evaluate("document.activeElement.closest('tr') !== null")).toBe(true)
    const channel = await focused()
    await keyboard.press('Enter')
    await soon(() => text('.channel-heading')).toBe(channel)
    await keyboard.press('Escape')
    await soon(focused).toBe(channel)
    // One stop for Tab in each list, from where arrows go on.
    const stops = `[...document.querySelectorAll('.alert-list a, .name-line > a')].filter((a) => a.tabIndex === 0).length`
    expect(await bench.page.evaluate(stops)).toBe(2)
  })

  it('keeps the focus on an alert that ends, and near one that goes', async () => {
    await open()
    // It moves up past the one that ends.
    await alerts().nth(2).focus()
    expect(await focused()).toContain('All channels')
    bench.scene.end('a2')
    await soon(() => bench.page.locator('.alert-list li:nth-child(3) .tag').count()).toBe(1)
    expect(await focused()).toContain('All channels')
    await bench.page.getByLabel('Alert state').selectOption('open')
    await soon(() => alerts().count()).toBe(2)
    await alerts().nth(0).focus()
    bench.scene.end('a1')
    await soon(() => alerts().count()).toBe(1)
    expect(await focused()).toContain('All channels')
  })

  it('keeps the order of channels while someone points at them, and says so', async () => {
    await open()
    await rows().first().waitFor()
    const names = async (): Promise<string[]> => (await texts('.risk-table .name')).slice(0, 5)
    const before = await names()
    await rows().nth(3).hover()
    bench.scene.open('new', 'https://example.org/room-18', 'Already 90 casts where 20 were expected.')
    await bench.page.getByText('order held while you are in the list').waitFor(SOON)
    expect(await names()).toEqual(before)
    await bench.page.locator('.triage h2').hover()
    await soon(async () => (await names()).includes('example.org/room-18')).toBe(true)
    expect(await text('.held')).toBe('')
  })

  it('opens what is clicked: a row, or an alert named in it', async () => {
    await open()
    await rows().first().waitFor()
    await rows().nth(1).locator('td').first().click()
    await soon(async () => (await where()).path).toMatch(/^\/channel\//)
    await bench.page.goBack()
    await bench.page.locator('.mark-link').first().click()
    await soon(where).toEqual({ path: '/alert/a1' })
  })

  it('says that there is no data yet, and starts by itself when there is', async () => {
    await bench.serve({ empty: true })
    await open()
    await bench.page.getByText('No data yet. Charts begin when').first().waitFor()
    await bench.page.getByText('No alerts. They appear here by themselves.').waitFor()
    bench.scene.fill()
    await rows().first().waitFor(SOON)
  })

  it('says what goes on while the server has not told of channels and alerts', async () => {
    const answer = bench.scene.hang('store.series.overview')
    const tell = bench.scene.hang('store.alerts')
    bench.scene.lag(12)
    await open()
    const why = 'Event time 2026-01-26 14:05 UTC is reached: history is being processed; 960 records to go.'
    await soon(() => text('.risk-table .none')).toBe(why)
    expect(await text('.triage .none')).toBe(why)
    expect(await bench.page.locator('.triage .none').isVisible()).toBe(true)
    answer()
    tell()
    await rows().first().waitFor()
    await bench.page.context().close()

    await bench.serve({ empty: true })
    const go = bench.scene.hang('store.alerts')
    bench.scene.lag(12)
    await open()
    const nothing =
      'Nothing is stored yet: history is being processed; 960 records to go. Charts begin with the first closed bins.'
    await soon(() => text('.triage .none')).toBe(nothing)
    go()
    await soon(() => text('.triage .none')).toBe('No alerts. They appear here by themselves.')
    expect(await text('.risk-table .none')).toBe(nothing)
  })

  it('shows few alerts first where channels stand below them, and all to who wants them', async () => {
    await open('', PHONE)
    await soon(() => alerts().count()).toBe(4)
    expect(await bench.page.getByRole('button', { name: 'Show older alerts' }).isVisible()).toBe(false)
    const top = (await bench.page.locator('.risks').boundingBox())!.y
    expect(top).toBeLessThan(740)
    expect((await bench.page.locator('.bar').boundingBox())!.height).toBeLessThan(70)
    const tab = (await bench.page.locator('[data-page=overview]').boundingBox())!
    const pill = (await bench.page.locator('#open-count').boundingBox())!
    expect(pill.x + pill.width).toBeLessThan(tab.x + tab.width - 3)
    await bench.page.getByRole('button', { name: 'Show 49 more alerts' }).click()
    await soon(() => alerts().count()).toBe(53)
    await bench.page.getByRole('button', { name: 'Show older alerts' }).waitFor()
  })

  it('cuts no choice of its filters short', async () => {
    for (const width of [1280, 1000, 360]) {
      await open('', { viewport: { width, height: 800 } })
      await alerts().first().waitFor()
      const short =
        await bench.page.evaluate(`[...document.querySelectorAll('.filters select')].filter((select) => {
        const free = select.cloneNode(true)
        free.style.cssText = 'position: absolute; flex: none; width: auto'
        select.parentNode.append(free)
        const wanted = free.offsetWidth
        free.remove()
        return select.offsetWidth < wanted
      }).map((select) => select.ariaLabel)`)
      expect(short, String(width)).toEqual([])
      await bench.page.context().close()
    }
    await open()
  })

  it('leads by Tab from a channel to the alert named in its row', async () => {
    await open()
    await rows().first().waitFor()
    const { keyboard } = bench.page
    await rows().first().locator('a').first().focus()
    await keyboard.press('Tab')
    expect(await focused()).toContain('Early warning')
    // Arrows go on from its row.
    await keyboard.press('ArrowDown')
    expect(await focused()).toBe(await rows().nth(1).locator('.name').textContent())
    await keyboard.press('ArrowUp')
    await keyboard.press('Tab')
    // What is drawn anew meanwhile keeps the focus.
    bench.scene.advance(12)
    await soon(focused).toContain('7 h')
    await keyboard.press('Enter')
    await soon(async () => (await where()).path).toBe('/alert/a1')
  })

  it('writes numbers with all their digits for who asks, by key or button', async () => {
    await open()
    await rows().first().waitFor()
    const value = () => rows().first().locator('.value').textContent()
    expect(await value()).toMatch(/^0\.\d\d$/)
    await bench.page.keyboard.press('x')
    await soon(value).toMatch(/^0\.\d{5,}$/)
    const button = bench.page.getByRole('button', { name: 'All digits of numbers' })
    expect(await button.getAttribute('aria-pressed')).toBe('true')
    await bench.page.keyboard.press('3')
    await soon(async () => (await texts('.figures dd'))[0]).toMatch(/^0\.\d{5,}0.83 when opened/)
    expect(await text('.evidence tbody tr')).toContain('24.31')
    await button.click()
    await soon(async () => (await texts('.figures dd'))[0]).toMatch(/^0\.\d\d0.83 when opened/)
    expect(await text('.evidence tbody tr')).toContain('24.3')
  })

  it('says why the newest bins have no score yet', async () => {
    await bench.serve({ undecided: 70 })
    await open()
    await rows().first().waitFor()
    const late =
      'Casts are decided up to 12:55 UTC, 70 min before the newest bin. Replies are learned by asking again for each cast, so their bins are decided over an hour late.'
    await soon(() => text('.risks .edge')).toBe(late)
    await rows().nth(1).locator('a').first().click()
    await soon(() => text('.charts .edge')).toBe(late)
    await bench.page.context().close()
    await bench.serve({})
    await open()
    await rows().first().waitFor()
    expect(await bench.page.locator('.edge').first().isVisible()).toBe(false)
  })
})
