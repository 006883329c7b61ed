import { expect, it } from 'vitest'
import { channelHash, describeInBrowser, PHONE, soon } from '../testing/bench.ts'
import { HOSTILE, SUMMER } from '../testing/network.ts'

describeInBrowser('a channel', (bench) => {
  const { open, text, texts, where, pixels } = bench
  const canvas = () => bench.page.locator('.chart.counts canvas')
  const readout = (): Promise<string | null> => text('.chart.counts .readout')

  it('shows a series, its band, score and indicators, and the alerts on it', async () => {
    await open(channelHash(SUMMER))
    await canvas().waitFor()
    expect(await text('.channel-heading')).toBe('onchainsummer.xyz')
    expect(await bench.page.locator('.channel-heading').getAttribute('title')).toBe(SUMMER)
    expect(await readout()).toMatch(/26 Jan 14:00–14:05 UTC\d+ castsexpected [\d.]+95 % band \d+–\d+/)
    await soon(() => pixels('counts', 'line')).toBeGreaterThan(1000)
    expect(await pixels('counts', 'high')).toBeGreaterThan(100)
    expect(await pixels('counts', 'outside')).toBeGreaterThan(50)
    expect(await pixels('counts', 'gap')).toBeGreaterThan(100)
    expect(await pixels('score', 'score')).toBeGreaterThan(300)
    expect(await pixels('score', 'threshold')).toBeGreaterThan(300)
    expect(await pixels('variance', 'line')).toBeGreaterThan(300)
    expect(await pixels('autocorrelation', 'line')).toBeGreaterThan(300)
    expect(await text('.chart.score .readout')).toMatch(/^0\.\d\dwarns from 0\.6p of the indicators 0\.\d+/)
    expect(await text('.chart.autocorrelation .readout')).toMatch(/stabilised 0\.\d+p [\d.]+raw 0\.\d+/)
    expect(await text('.decision')).toBe(
      'Alert held open: score 0.83 (threshold 0.6), p 0.002: variance and lag-1 autocorrelation stay above their null',
    )
    expect(await texts('.legend li')).toEqual([
      '●low',
      '◆medium',
      '▲high severity',
      'how long the alert was open',
      'the count when it was opened',
      'outside the 95 % band',
      'not covered',
    ])
    expect(await bench.page.locator('.chart.counts .plot').getAttribute('aria-label')).toMatch(
      /^Casts per 5 min: 26 Jan/,
    )
  })

  it('never draws a gap as a zero: nothing is drawn there, and the readout says how much is known', async () => {
    // 16 h to 18 h of 36 h before the end, so the share of the plot where the planted gap lies.
    await open(channelHash(SUMMER, { at: '2026-01-25T17:30:00Z' }))
    await soon(() => pixels('counts', 'line')).toBeGreaterThan(1000)
    expect(await pixels('counts', 'line', 0.425, 0.46)).toBe(0)
    expect(await pixels('counts', 'line', 0.5, 0.535)).toBeGreaterThan(50)
    expect(await pixels('variance', 'line', 0.425, 0.46)).toBe(0)
    expect(await pixels('score', 'score', 0.425, 0.46)).toBe(0)
    expect(await readout()).toMatch(/UTCnot covered$/)
    const plot = bench.page.locator('.chart.counts .plot')
    expect(await plot.getAttribute('title')).toMatch(
      /^No posts seen 2026-01-25 15:35 to 18:05 UTC: the hub did not answer <img/,
    )
    expect(await text('.decision')).toMatch(
      /^No posts seen .*: the hub did not answer <img .* · Not covered: not wholly covered$/,
    )
    const select = (at: string) =>
      bench.page.evaluate(`location.hash = ${JSON.stringify(channelHash(SUMMER, { at }))}`)
    await select('2026-01-25T15:40:00Z')
    await soon(readout).toContain('only 40 % covered')
    await select('2026-01-25T18:10:00Z')
    await soon(() => plot.getAttribute('title')).toBe('')
    expect(await texts('.stack tbody tr:first-child td')).toEqual([
      'posts',
      '25 Jan 15:35',
      '25 Jan 18:05',
      `the hub did not answer ${HOSTILE.image}`,
    ])
  })

  it('takes a bin in progress for what it is: no gap, and not the newest to be read', async () => {
    await open(channelHash(SUMMER, { resolution: '3600', range: 'short' }))
    await soon(readout).toMatch(/^26 Jan 13:00–14:00 UTC\d+ casts/)
    // The last of 48 hours has only begun: nothing is drawn there, no hatch either.
    expect(await pixels('counts', 'gap', 0.965, 0.98)).toBe(0)
    await bench.page.locator('.chart.counts .u-over').hover({ position: { x: 0, y: 40 } })
    const box = (await bench.page.locator('.chart.counts .u-over').boundingBox())!
    await bench.page.mouse.move(box.x + box.width - 3, box.y + 40)
    await soon(readout).toMatch(/^26 Jan 14:00–15:00 UTC\d+ so far, not decided yet/)
  })

  it('shades the time in which an alert was open, also of one that began before the time shown', async () => {
    await open(channelHash(SUMMER, { range: 'short' }))
    await canvas().waitFor()
    // Opened 6 h before the end, and 6 h are shown.
    await soon(() => text('.chips')).toContain('Early warningopen26 Jan 08:05 6 h ago')
    const ground = (x: number): Promise<number[]> =>
      bench.page.evaluate(`(() => {
        const canvas = document.querySelector('.chart.variance canvas')
        return [...canvas.getContext('2d').getImageData(canvas.width * ${x}, canvas.height - 14, 1, 1).data]
      })()`)
    await soon(async () => (await ground(0.9))[3]).toBeGreaterThan(5)
    await bench.page.goto(bench.host.url + channelHash('https://ethereum.org', { range: 'short' }))
    await soon(() => text('.channel-heading')).toBe('ethereum.org')
    await soon(async () => (await ground(0.9))[3]).toBe(0)
  })

  it('keeps all that is looked at in the link, and goes back through it', async () => {
    await open(channelHash(SUMMER, { measure: 'reactions', resolution: '3600', end: '2026-01-20T00:00:00Z' }))
    await soon(() => text('.what p')).toBe('1 h bins · 2026-01-05 14:00 to 2026-01-20 00:00 UTC (14 d)')
    await soon(() => text('.chart.counts h3')).toBe('Reactions per 1 h')
    const live = bench.page.getByRole('button', { name: 'Live' })
    expect(await live.getAttribute('aria-pressed')).toBe('false')
    await bench.page.getByLabel('Participants').check()
    await soon(where).toMatchObject({ measure: 'participants' })
    expect(await where()).not.toHaveProperty('resolution')
    await bench.page.goBack()
    await soon(where).toMatchObject({ measure: 'reactions', resolution: '3600' })
    await live.click()
    await soon(() => text('.what p')).toContain('to 2026-01-26 15:00 UTC')
    await bench.page.getByLabel('Time shown', { exact: true }).selectOption({ label: '7 d' })
    await soon(() => text('.what p')).toContain('2026-01-19 15:00 to 2026-01-26 15:00 UTC (7 d)')
    expect(await bench.page.getByText('Decision log (CSV)').getAttribute('href')).toBe(
      '/v1/export/signals?run=live&series=reactions%3Ahttps%3A%2F%2Fonchainsummer.xyz&resolution=3600&from=2026-01-19T15%3A00%3A00Z&to=2026-01-26T15%3A00%3A00Z&safe=spreadsheet',
    )
  })

  it('zooms all charts together, and marks the moment that is clicked', async () => {
    await open(channelHash(SUMMER))
    await canvas().waitFor()
    const over = bench.page.locator('.chart.variance .u-over')
    const box = (await over.boundingBox())!
    await bench.page.mouse.move(box.x + 200, box.y + 20)
    await bench.page.mouse.down()
    await bench.page.mouse.move(box.x + 400, box.y + 20, { steps: 4 })
    await bench.page.mouse.up()
    await bench.page.locator('.reset').waitFor()
    expect((await where()).at).toBeUndefined()
    await over.click({ position: { x: 1, y: 20 } })
    const zoomed = Date.parse((await where()).at!)
    const start = Date.parse('2026-01-26T14:05:00Z') - 36 * 3_600_000
    expect((zoomed - start) / 3_600_000).toBeCloseTo((200 / box.width) * 36, 0)
    await bench.page.locator('.reset').click()
    await over.click({ position: { x: 1, y: 20 } })
    await soon(async () => Date.parse((await where()).at!)).toBe(start)
  })

  it('selects a moment by keyboard, and shows the casts about it', async () => {
    await open(channelHash(SUMMER, { resolution: '3600' }))
    await soon(() => bench.page.locator('.scrub').getAttribute('aria-valuetext')).toMatch(/per 1 h/)
    await bench.page.locator('.scrub').focus()
    await bench.page.keyboard.press('ArrowLeft')
    await soon(async () => (await where()).at).toBe('2026-01-26T12:00:00Z')
    await soon(() => text('.casts .head .muted')).toBe(
      '2026-01-26 12:00 to 13:00 UTC, newest first; the selected bin is 2026-01-26 12:00 to 13:00 UTC',
    )
    await soon(() => text('.cast-list time')).toBe('26 Jan 12:59')
    await bench.page.getByRole('button', { name: 'Show more casts' }).click()
    await soon(() => bench.page.locator('.cast-list li').count()).toBeGreaterThan(50)
    await bench.page.locator('.scrub').focus()
    await bench.page.keyboard.press('Escape')
    await soon(async () => (await where()).at).toBeUndefined()
    expect((await where()).path).toBe(`/channel/${SUMMER}`)
  })

  it('lets the list of casts be read, and goes on when it is left', async () => {
    await open(channelHash(SUMMER))
    await canvas().waitFor()
    const newest = (): Promise<string | null> => text('.cast-list time')
    await soon(newest).toBe('26 Jan 14:04')
    await bench.page.locator('.cast-list li').first().hover()
    bench.scene.advance(3)
    await soon(readout).toContain('26 Jan 14:15–14:20 UTC')
    expect(await newest()).toBe('26 Jan 14:04')
    await bench.page.locator('.channel-heading').hover()
    bench.scene.advance(1)
    await soon(newest).toBe('26 Jan 14:24')
  })

  it('opens an alert by its mark', async () => {
    await open(channelHash(SUMMER))
    await canvas().waitFor()
    const box = (await bench.page.locator('.chart.counts .u-over').boundingBox())!
    await bench.page.mouse.click(box.x + (30 / 36) * box.width, box.y + 30)
    await soon(where).toEqual({ path: '/alert/a1' })
  })

  it('goes from channel to channel, those most at risk first', async () => {
    await open(channelHash(SUMMER, { resolution: '3600' }))
    await canvas().waitFor()
    await bench.page.keyboard.press('j')
    await soon(() => text('.channel-heading')).toBe('All channels')
    expect(await where()).toMatchObject({ path: '/channel/*', resolution: '3600' })
    await bench.page.getByText('Casts are listed by channel: choose one.').waitFor()
    await bench.page.keyboard.press('k')
    await soon(() => text('.channel-heading')).toBe('onchainsummer.xyz')
    await bench.page.keyboard.press('Escape')
    await soon(where).toEqual({ path: '/' })
  })

  it("begins no earlier than the series' first bin, and pans no further back", async () => {
    await open(channelHash(SUMMER, { resolution: '21600' }))
    await soon(() => text('.what p')).toBe('6 h bins · 2026-01-05 12:00 to 2026-01-26 18:00 UTC (21 d)')
    await soon(() => pixels('counts', 'line', 0.06, 0.2)).toBeGreaterThan(50)
    const earlier = bench.page.getByRole('button', { name: 'Earlier' })
    expect(await earlier.isDisabled()).toBe(true)
    await bench.page.getByLabel('1 h', { exact: true }).check()
    await soon(() => earlier.isDisabled()).toBe(false)
    await earlier.click()
    await soon(() => text('.what p')).toBe('1 h bins · 2026-01-05 14:00 to 2026-01-25 14:00 UTC (20 d)')
    expect(await earlier.isDisabled()).toBe(true)
  })

  it('says why a chart has nothing to show', async () => {
    await bench.serve({ judged: (_, seconds) => seconds > 300 })
    await open(channelHash(SUMMER))
    const why = bench.page.locator('.chart.variance .none')
    await soon(() => why.textContent()).toBe('not computed: too little activity')
    expect(await why.isVisible()).toBe(true)
    expect(await text('.chart.score .none')).toBe('not scored: too little activity')
    expect(await readout()).toMatch(/castsnot scored: too little activity$/)
    expect(await text('.decision')).toBe('Not enough data: 0.31 events expected in a bin, fewer than 0.5')
    await bench.page.getByLabel('Reactions').check()
    await soon(() => why.textContent()).toBe('not computed: reactions are judged by the hour and more')
    await bench.page.getByLabel('1 h', { exact: true }).check()
    await why.waitFor({ state: 'hidden' })
    expect(await bench.page.locator('.chart.counts .none').isVisible()).toBe(false)
  })

  it('blames what is young for nothing but that', async () => {
    await bench.serve({ judged: () => false, hours: 8 })
    await open(channelHash('*'))
    await soon(readout).toMatch(/castsnot scored: less than 24 h of history/)
    expect(await text('.chart.score .none')).toBe('not scored: less than 24 h of history')
    await bench.page.getByLabel('1 h', { exact: true }).check()
    await soon(() => text('.chart.score .none')).toBe('not scored: less than 4 d of history')
  })

  it('rounds what is almost nothing, and has all its digits in the title', async () => {
    await open(channelHash('https://ethereum.org'))
    await soon(() => text('.decision')).toBe('Quiet: score 0.00 (threshold 0.6), p 0.0009: within its null')
    expect(await bench.page.locator('.decision').getAttribute('title')).toBe(
      'Quiet: score 0.0000425 (threshold 0.6), p 0.0009: within its null',
    )
    const shown = await text('.chart.score .readout .line')
    const whole = await bench.page.locator('.chart.score .readout .line').getAttribute('title')
    expect(whole!.length).toBeGreaterThan(6)
    expect(Number(whole).toFixed(2)).toBe(shown)
    expect(
      await bench.page.evaluate(
        "import('/dashboard/format.js').then(({ number, counted, thresholdIn }) => [[0.000929, -0.004, 0.005, 0, 0.0588, 1234.5, null].map((n) => number(n)), [counted(1, 'casts'), counted(1, 'replies'), counted(2, 'replies'), counted(0, 'posts')], thresholdIn('score 4.25e-7 (threshold 0.6)')])",
      ),
    ).toEqual([
      ['0.00', '0.00', '0.005', '0', '0.0588', '1,235', '–'],
      ['1 cast', '1 reply', '2 replies', '0 posts'],
      0.6,
    ])
  })

  it('says why there are no participants of all channels, nor in longer bins', async () => {
    await open(channelHash('*'))
    await canvas().waitFor()
    const hint = bench.page.locator('.hint')
    const title = (label: string) => bench.page.getByLabel(label, { exact: true }).getAttribute('title')
    expect(await hint.textContent()).toBe(
      "Participants are distinct authors: they can't be added up over channels.",
    )
    expect(await title('Participants')).toBe(await hint.textContent())
    expect(await title('Posts')).toBe('')
    await bench.page.evaluate(
      `location.hash = ${JSON.stringify(channelHash(SUMMER, { measure: 'participants' }))}`,
    )
    await soon(() => hint.textContent()).toBe(
      "Participants are distinct authors: they can't be added up over bins.",
    )
    expect(await title('1 h')).toBe(await hint.textContent())
    await bench.page.getByLabel('Casts', { exact: true }).check()
    await hint.waitFor({ state: 'hidden' })
  })

  it('says so when there is no such channel, and no more of it', async () => {
    await open(channelHash('https://nowhere.example'))
    await bench.page.getByText('This can\'t be shown: Run "live" has no such series.').first().waitFor()
    expect(await bench.page.getByText('No gap is known').isVisible()).toBe(false)
    expect(bench.refusals().length).toBeGreaterThan(0)
    await bench.page.keyboard.press('1')
    await bench.page.locator('.risk-table tbody tr').first().waitFor()
    expect(await bench.page.locator('#notice').isVisible()).toBe(false)
    bench.refusals()
  })

  it('follows the newest bin without a reload', async () => {
    await open(channelHash(SUMMER))
    await canvas().waitFor()
    bench.scene.advance(2)
    await soon(readout).toContain('26 Jan 14:10–14:15 UTC')
    // By touch and on a phone as well.
    await bench.page.context().close()
    await open(channelHash(SUMMER), PHONE)
    await soon(() => pixels('counts', 'line')).toBeGreaterThan(300)
  })
})
