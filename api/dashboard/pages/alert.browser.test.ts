import { expect, it } from 'vitest'
import { describeInBrowser, PHONE, soon } from '../testing/bench.ts'
import { START, SUMMER } from '../testing/network.ts'

describeInBrowser('an alert', (bench) => {
  const { open, text, texts, where, pixels } = bench

  it('says what, where, since when and why, with all numbers', async () => {
    await open('#/alert/a1')
    await soon(() => text('.story h2')).toBe('Early warning in onchainsummer.xyz')
    expect(await text('.story .tag')).toBe('open')
    expect(await text('.story .opened')).toBe(
      'Opened 2026-01-26 08:05 UTC (6 h ago) by casts per 5 min · open for 6 h',
    )
    expect(await text('.why')).toContain('Variance 2.4 times')
    expect(await bench.page.locator('.outcome').count()).toBe(0)
    const figures = await texts('.figures > div')
    expect(figures[0]).toMatch(/^Score0\.\d\d0.83 when opened; warns from 0.6$/)
    expect(figures.slice(1).map((figure) => figure.slice(0, 14))).toEqual([
      'p0.002of the i',
      'Count612.5 tim',
      'Expected24.3di',
      'Variance2.42of',
      'Lag-1 autocorr',
    ])
    expect(await bench.page.locator('.evidence tbody tr').count()).toBe(2)
    expect(await text('.evidence tbody tr')).toContain('casts5 min26 Jan 08:006124.30.052.420.610.0020.83')
    expect(await text('.history li')).toMatch(/^26 Jan 08:05 opened, high: .*Variance/)
    await soon(() => pixels('counts', 'high')).toBeGreaterThan(100)
    await soon(() => text('.casts .head .muted')).toContain(
      '2026-01-26 07:45 to 08:20 UTC, newest first; the selected bin is 2026-01-26 08:00 to 08:05 UTC',
    )
    expect(await bench.page.title()).toBe(
      '(3) Early warning in onchainsummer.xyz · Farcaster Coordination Monitor',
    )
  })

  it('says how an alert ended', async () => {
    await open('#/alert/a4')
    await soon(() => text('.outcome')).toBe('Resolved: Recovered: 3 bins within the expected band.')
    expect(await text('.story .tag')).toBe('resolved')
    expect(await text('.story .opened')).toMatch(/resolved 2026-01-25 20:05 UTC after 2 h$/)
    expect(await text('.stepper .muted')).toBe('4 of 53')
    // A collapse has neither score nor q here, and says nothing of them.
    expect(await texts('.figures dt')).toEqual([
      'p',
      'Count',
      'Expected',
      'Variance',
      'Lag-1 autocorrelation',
    ])
  })

  it('says why it opened so long after its bin, and names in full what has a short name', async () => {
    await bench.serve({ late: 60 })
    await open('#/alert/a4')
    await soon(() => text('.story .opened')).toMatch(
      /after 2 h · The bin ended 17:05; its casts were covered at 18:05\.$/,
    )
    expect(await text('.story .row')).toBe(
      '◆ mediumCollapse in /memesresolvedhttps://warpcast.com/~/channel/memes',
    )
    await bench.page.context().close()
    await bench.serve({ late: 30 })
    await open('#/alert/a4')
    await soon(() => text('.story .opened')).toMatch(/after 2 h$/)
  })

  it('says of an onset in a bin that is not scored what it was held against', async () => {
    await bench.serve({ judged: () => false })
    await open('#/alert/a2')
    await soon(() => text('.chart.counts .readout')).toMatch(
      /^26 Jan 00:00–00:05 UTC\d+ castsexpected 24\.3not scored: too little activity/,
    )
    expect(await bench.page.locator('.key.expected').getAttribute('title')).toBe('24.31')
    // Only of that bin.
    await bench.page.locator('.scrub').focus()
    await bench.page.keyboard.press('ArrowLeft')
    await soon(() => text('.chart.counts .readout')).toMatch(/^25 Jan 23:55–00:00 UTC\d+ castsnot scored: /)
  })

  it('shows no figures of a closed bin for an onset, which an open one decided', async () => {
    bench.scene.forget()
    await open('#/alert/a2')
    await bench.page.locator('.chart.counts canvas').waitFor()
    await soon(() => text('.chart.counts .readout')).toMatch(/expected/)
    expect(await texts('.figures dt')).toEqual([])
    await bench.page.goto(`${bench.host.url}#/alert/a4`)
    // Nor the chance of the indicators as that of a collapse.
    await soon(() => texts('.figures dt')).toEqual([
      'Score',
      'Count',
      'Expected',
      'Variance',
      'Lag-1 autocorrelation',
    ])
  })

  it('claims no age of what lies ahead of the clock', async () => {
    await bench.serve({ start: START - 10 * 86_400_000 })
    await open('#/alert/a1')
    await soon(() => text('.story .opened')).toBe(
      'Opened 2026-01-26 08:05 UTC by casts per 5 min · still open',
    )
    await bench.page.keyboard.press('1')
    await soon(() => text('.alert-list .since')).toBe('26 Jan 08:05 ')
  })

  it('goes to the next and the one before, by key and button, and back to the list', async () => {
    await open('#/alert/a1')
    await soon(() => text('.stepper .muted')).toBe('1 of 53')
    expect(await bench.page.getByRole('button', { name: 'Previous' }).isDisabled()).toBe(true)
    await bench.page.keyboard.press('j')
    await soon(() => text('.stepper .muted')).toBe('2 of 53')
    await bench.page.getByRole('button', { name: 'Next' }).click()
    await soon(() => text('.story h2')).toBe('Early warning in All channels')
    expect(await where()).toEqual({ path: '/alert/a3' })
    await bench.page.keyboard.press('k')
    await soon(async () => (await where()).path).toBe('/alert/a2')
    await bench.page.keyboard.press('Escape')
    await soon(where).toEqual({ path: '/' })
    expect(await bench.focused()).toContain('evil.example')
  })

  it('leads to the channel at that moment, and Escape leads back', async () => {
    await open('#/alert/a3')
    await bench.page.getByRole('link', { name: 'Open the channel' }).click()
    await soon(where).toMatchObject({ path: '/channel/*', resolution: '3600', at: '2026-01-25T20:05:00Z' })
    await bench.page.locator('.channel-heading').waitFor()
    await bench.page.keyboard.press('Escape')
    await soon(where).toEqual({ path: '/alert/a3' })
    await bench.page.keyboard.press('Escape')
    await soon(where).toEqual({ path: '/' })
    await bench.page.goto(`${bench.host.url}#/alert/a1`)
    await soon(() => bench.page.getByText('Its events (CSV)').getAttribute('href')).toBe(
      `/v1/export/alerts?run=live&channel=${encodeURIComponent(SUMMER)}&from=2026-01-26T08%3A05%3A00Z&to=2026-01-26T08%3A05%3A01Z&safe=spreadsheet`,
    )
  })

  it('shows what news brings, and tells that it was looked at', async () => {
    await open('#/alert/a1')
    await soon(() => text('.stepper .muted')).toBe('1 of 53')
    bench.scene.open('new', 'https://ethereum.org', 'Already 90 casts where 20 were expected.')
    await soon(() => text('.stepper .muted')).toBe('2 of 54')
    expect(await text('#announce')).toBe('New alert: Onset in ethereum.org, severity high')
    await bench.page.keyboard.press('k')
    await soon(() => text('.story h2')).toBe('Onset in ethereum.org')
    await bench.page.keyboard.press('Escape')
    await bench.page.locator('.alert-list a').first().waitFor()
    expect(await bench.page.locator('.tag.new').count()).toBe(0)
  })

  it("shows all of an alert's evidence on a phone", async () => {
    await open('#/alert/a1', PHONE)
    await bench.page.locator('.evidence td').first().waitFor()
    const cells = bench.page.locator('.evidence td')
    expect(await cells.count()).toBe(22)
    for (const box of await Promise.all((await cells.all()).map((cell) => cell.boundingBox()))) {
      expect(box!.width).toBeGreaterThan(30)
      expect(box!.x + box!.width).toBeLessThanOrEqual(360)
    }
    const before = 'getComputedStyle(document.querySelector(".evidence td"), "::before").content'
    expect(await bench.page.evaluate(before)).toBe('"Measure"')
  })

  it('says so when a link leads to no alert', async () => {
    await open('#/alert/nope')
    await bench.page.getByText("This alert can't be shown: There is no alert of this id.").waitFor()
    expect(new Set(bench.refusals())).toEqual(new Set(['/v1/alerts/nope: 404']))
    await bench.page.keyboard.press('Escape')
    await bench.page.locator('.alert-list a').first().waitFor()
  })
})
