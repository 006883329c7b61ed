import { expect, it } from 'vitest'
import { FcmError } from '../../common/errors.ts'
import { channelHash, describeInBrowser, SOON, soon } from './testing/bench.ts'
import { SUMMER } from './testing/network.ts'

const WHY = "What holds the answer can't be reached"
const AS_OF = /^As of \d\d:\d\d:\d\d UTC: /

describeInBrowser('what does not answer', (bench) => {
  const { open, text, texts } = bench
  const notice = () => bench.page.locator('#notice')
  const canvas = () => bench.page.locator('.chart.counts canvas')

  it.each([
    ['does not answer', 'no answer within 8 s'],
    ['is away', WHY],
  ])('works from the database while the log %s, and says what it does not know', async (how, why) => {
    const { scene } = bench
    let mend = () => scene.mend('log')
    if (how === 'does not answer') mend = scene.hang('log')
    else scene.reject('log', new FcmError('KAFKA_UNREACHABLE', { why: 'connection refused' }))

    const began = Date.now()
    await open()
    await bench.page.locator('.risk-table tbody tr').first().waitFor()
    await bench.page.locator('.alert-list a').first().waitFor()
    // Nothing of it waited for the log.
    expect(Date.now() - began).toBeLessThan(7000)
    await soon(() => text('#lag-badge')).toBe('Lag unknown')
    expect(await text('#notice')).toMatch(/^Can't be had now: unread records \(/)
    expect(await bench.page.locator('.stale:visible').count()).toBe(0)

    scene.advance(1)
    scene.open('new', 'https://ethereum.org', 'Already 90 casts.')
    await soon(() => text('.alert-list .reason')).toBe('Already 90 casts.')
    await soon(() => text('#freshness-text')).toMatch(/^2026-01-26 14:10 UTC · \d+ s ago$/)
    await bench.page.evaluate(`location.hash = ${JSON.stringify(channelHash(SUMMER))}`)
    await soon(() => bench.pixels('counts', 'line')).toBeGreaterThan(1000)
    await bench.page.locator('.cast-list .text').first().waitFor()

    await bench.page.keyboard.press('4')
    await bench.page.locator('#source-channels tr').first().waitFor()
    await soon(() => text('.health > dl > div')).toBe('Serverready')
    await bench.page.locator('.gaps tbody tr').first().waitFor()
    await soon(() => texts('.lag .stale:visible, .dead .stale:visible')).toHaveLength(2)
    expect(await texts('.stale:visible')).toEqual(Array(2).fill(`Can't be had now: ${why}`))

    mend()
    await soon(() => text('#lag-badge')).toBe('Lag 0 s')
    await notice().waitFor({ state: 'hidden', ...SOON })
    await bench.page.getByText('None: every record could be processed.').waitFor()
    bench.refusals()
  })

  it('says how old it is what a panel shows, and draws the others anew', async () => {
    const { scene } = bench
    scene.lag(20)
    await open('#/ops')
    await soon(() => bench.page.locator('.lag-table tbody tr').count()).toBe(8)
    scene.reject('log')
    await soon(() => text('.lag .stale')).toMatch(AS_OF)
    // The last that was known stays.
    expect(await bench.page.locator('.lag-table tbody tr').count()).toBe(8)
    expect(await bench.page.locator('#lag-badge').getAttribute('title')).toMatch(
      /At \d\d:\d\d:\d\d UTC: 1,600 records unread, the oldest 20 s old$/,
    )
    scene.mend('log')
    await soon(() => text('#lag-badge')).toMatch(/^Lag 20 s/)
    await bench.page.keyboard.press('1')
    await bench.page.locator('.risk-table tbody tr').first().waitFor()

    scene.reject('store.series.overview')
    scene.advance(1)
    scene.open('new', 'https://ethereum.org', 'Already 90 casts.')
    await soon(() => text('.risks .stale')).toMatch(AS_OF)
    await soon(() => text('.alert-list .reason')).toBe('Already 90 casts.')
    expect(await text('.risks .head .muted')).toContain('last bin ends 26 Jan 14:05 UTC')
    expect(await text('#notice')).toBe(
      `Can't be had now: channels (${WHY}). What is shown of that is as old as it says; all else is of now.`,
    )
    scene.mend('store.series.overview')
    await soon(() => text('.risks .head .muted')).toContain('last bin ends 26 Jan 14:10 UTC')
    bench.refusals()
  })

  it('does not take a refusal for nothing to tell', async () => {
    await open('#/?run=live')
    const refuse = { status: 403, json: { title: 'Forbidden', detail: 'This is for operators.' } }
    await bench.page.route('**/v1/ops/lag*', (route) => route.fulfill(refuse))
    await soon(() => text('#lag-badge')).toBe('Lag unknown')
    expect(await bench.page.locator('#lag-badge').getAttribute('title')).toMatch(/^This is for operators\./)
    await bench.page.keyboard.press('4')
    await soon(() => text('.lag .stale')).toBe("This can't be shown: This is for operators.")
    await bench.page.locator('.gaps tbody tr').first().waitFor()
    bench.refusals()
  })

  it('draws the charts while casts can not be had', async () => {
    bench.scene.reject('store.casts')
    await open(channelHash(SUMMER))
    await soon(() => bench.pixels('counts', 'line')).toBeGreaterThan(1000)
    await soon(() => text('.casts .stale')).toBe(`Can't be had now: ${WHY}`)
    expect(await bench.page.locator('.charts .stale').isVisible()).toBe(false)
    bench.scene.mend('store.casts')
    await bench.page.locator('.cast-list .text').first().waitFor(SOON)
    bench.refusals()
  })

  it('keeps what it knew while the database is away, and goes on when it is back', async () => {
    await open(channelHash(SUMMER))
    await canvas().waitFor()
    await soon(() => bench.pixels('counts', 'line')).toBeGreaterThan(1000)
    bench.scene.reject('store')
    await soon(() => text('.charts .stale')).toMatch(AS_OF)
    expect(await text('#notice')).toMatch(/^Can't be had now: alerts, /)
    expect(await bench.pixels('counts', 'line')).toBeGreaterThan(1000)
    // Another page, of which nothing is known: no word of no data.
    await bench.page.keyboard.press('1')
    await soon(() => text('.risks .stale')).toBe(`Can't be had now: ${WHY}`)
    expect(await text('.risk-table .none')).toBe('')
    bench.scene.mend('store')
    await notice().waitFor({ state: 'hidden', ...SOON })
    await bench.page.locator('.risk-table tbody tr').first().waitFor(SOON)
    bench.refusals()
  })

  it('says that the server is gone, keeps what it knew, and goes on when it is back', async () => {
    await open(channelHash(SUMMER))
    await canvas().waitFor()
    await soon(() => bench.pixels('counts', 'line')).toBeGreaterThan(1000)
    await bench.host.stop()
    await bench.page
      .getByText(/Frozen since \d\d:\d\d:\d\d UTC: the server does not answer \(no connection\)/)
      .waitFor(SOON)
    expect(await text('#freshness-text')).toContain('frozen')
    expect(await bench.pixels('counts', 'line')).toBeGreaterThan(1000)
    // It is said once.
    expect(await bench.page.locator('.stale:visible').count()).toBe(0)
    // Another page, of which nothing is known yet.
    await bench.page.keyboard.press('1')
    await bench.page.locator('.triage').waitFor()
    await bench.host.restart()
    await notice().waitFor({ state: 'hidden', ...SOON })
    await bench.page.locator('.alert-list a').first().waitFor(SOON)
    await soon(() => bench.page.locator('.dot').getAttribute('class')).toBe('dot fresh')
  })
})
