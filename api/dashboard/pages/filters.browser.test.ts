import { expect, it } from 'vitest'
import { channelHash, describeInBrowser, soon } from '../testing/bench.ts'
import { MEMES, SUMMER } from '../testing/network.ts'

describeInBrowser('filters of alerts', (bench) => {
  const { open, text, texts, where } = bench
  const alerts = () => bench.page.locator('.alert-list a')
  const choose = (label: string, value: string) => bench.page.getByLabel(label).selectOption(value)

  it('hide no open alert from the pill, the title, the count and who is told', async () => {
    await open()
    await soon(() => text('#open-count')).toBe('3')
    await choose('Alert state', 'resolved')
    await choose('Alert type', 'collapse')
    await soon(() => texts('.alert-list .type')).toEqual(Array(24).fill('Collapse'))
    expect(await text('#open-count')).toBe('3')
    bench.scene.open('new', 'https://ethereum.org', 'Already 90 casts where 20 were expected.')
    await soon(() => text('#announce')).toBe('New alert: Onset in ethereum.org, severity high')
    await soon(() => text('#open-count')).toBe('4')
    expect(await bench.page.title()).toMatch(/^\(4\) Overview/)
    expect(await text('.triage-count')).toBe('4 open · 2 high · 24 alerts listed')
    expect(await alerts().count()).toBe(24)
    await bench.page.getByRole('button', { name: 'Show all alerts' }).click()
    await soon(() => alerts().count()).toBe(54)
    expect(await text('.alert-list .tag')).toBe('new')
  })

  it('stand in the address: a reload and a link list the same, and so do the alerts behind it', async () => {
    await open()
    await alerts().first().waitFor()
    await choose('Alert type', 'onset')
    await choose('Severity', 'medium')
    await choose('Order of alerts', 'worst')
    await bench.page.getByLabel('Opened from').fill('2026-01-20')
    await bench.page.getByLabel('Opened to').fill('2026-01-25')
    await bench.page.locator('.search').fill('room')
    const address = {
      ...{ path: '/', type: 'onset', severity: 'medium', order: 'worst', q: 'room' },
      ...{ from: '2026-01-20', to: '2026-01-25' },
    }
    await soon(where).toEqual(address)
    await soon(() => alerts().count()).toBe(11)
    const listed = await texts('.alert-list time')
    expect(listed.every((time) => /^2[0-5] Jan/.test(time))).toBe(true)
    // The table comes with an answer of its own.
    const others = async () => (await texts('.risk-table .name')).filter((name) => !name.includes('room'))
    await soon(others).toEqual([])
    const channels = await texts('.risk-table .name')

    await bench.page.reload()
    await soon(() => alerts().count()).toBe(11)
    expect(await texts('.alert-list time')).toEqual(listed)
    await soon(() => texts('.risk-table .name')).toEqual(channels)
    expect(await bench.page.getByLabel('Severity').inputValue()).toBe('medium')
    expect(await bench.page.getByLabel('Opened from').inputValue()).toBe('2026-01-20')
    expect(await bench.page.locator('.search').inputValue()).toBe('room')

    // From one to the next within what is listed, and back to it.
    await alerts().first().click()
    await soon(() => text('.stepper .muted')).toBe('1 of 11')
    expect(await where()).toMatchObject({ type: 'onset', q: 'room' })
    await bench.page.keyboard.press('Escape')
    await soon(where).toEqual(address)
    await bench.page.keyboard.press('4')
    await soon(where).toEqual({ path: '/ops' })
    await bench.page.keyboard.press('1')
    await soon(where).toEqual(address)
  })

  it('list those of one channel', async () => {
    await open(channelHash(MEMES))
    await bench.page.getByRole('link', { name: 'All its alerts' }).click()
    await soon(where).toEqual({ path: '/', channel: MEMES })
    await soon(async () => new Set(await texts('.alert-list .name'))).toEqual(new Set(['/memes']))
    await bench.page.getByRole('button', { name: 'Only of /memes' }).click()
    await soon(where).toEqual({ path: '/' })
    await soon(() => alerts().count()).toBe(53)
  })

  it('say so of a channel that has no series yet, and hide no open alert', async () => {
    await open('#/?channel=https%3A%2F%2Fnew.example')
    await soon(() => text('.triage')).toContain('No channel "https://new.example" in run "live"')
    expect(await alerts().count()).toBe(0)
    expect(await text('#open-count')).toBe('3')
    await bench.page.getByRole('button', { name: /^Only of / }).click()
    await soon(() => alerts().count()).toBe(53)
    expect(bench.host.refused.splice(0).every((line) => line.includes('new.example'))).toBe(true)
    expect(bench.wrongs.splice(0).every((line) => line.includes('404'))).toBe(true)
  })

  it('fall back to none where an address says what can not be', async () => {
    await open('#/?type=<b>&severity=worst&state=ended&from=yesterday&to=2026-02-31x&order=up&all=1')
    await soon(() => alerts().count()).toBe(53)
    expect(await bench.page.getByLabel('Severity').inputValue()).toBe('')
    await bench.page.evaluate("location.hash = '#/?type=cluster'")
    // A kind that comes one day.
    await bench.page.getByText('No alert matches these filters.').waitFor()
    expect(await bench.page.getByLabel('Alert type').inputValue()).toBe('cluster')
    await bench.page.getByRole('button', { name: 'Show all alerts' }).click()
    await soon(() => alerts().count()).toBe(53)
  })

  it('say what is cut off: there is a most of what is listed, and marked', async () => {
    for (let i = 0; i < 500; i++) bench.scene.open(`n${i}`, SUMMER, 'Already 90 casts.')
    await open()
    await soon(() => text('#open-count')).toBe('500+')
    expect(await bench.page.title()).toMatch(/^\(500\+\) /)
    expect(await text('.triage-count')).toBe('500 or more open · 500 high')
    expect(await text('.triage .cut')).toBe(
      'Only the 500 open alerts that were opened last are listed: there are more.',
    )
    await bench.page.evaluate(`location.hash = ${JSON.stringify(channelHash(SUMMER))}`)
    await soon(() => text('.chips .cut')).toBe('Only the 500 alerts that were opened last are shown:')
  })
})
