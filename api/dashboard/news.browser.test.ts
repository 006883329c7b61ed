import { expect, it } from 'vitest'
import { describeInBrowser, soon } from './testing/bench.ts'

describeInBrowser('news', (bench) => {
  const { open, text, texts, focused } = bench

  it('shows a new alert by itself, says so to who can not see, and keeps the focus', async () => {
    await open()
    const alerts = bench.page.locator('.alert-list a')
    await alerts.nth(1).focus()
    const before = await focused()
    await bench.page.evaluate('window.sameDocument = true')
    bench.scene.advance(2)
    bench.scene.open('new', 'https://ethereum.org', 'Already 90 casts where 20 were expected.')
    await soon(() => alerts.first().textContent()).toContain('Already 90 casts')
    await soon(() => text('#freshness-text')).toMatch(/^2026-01-26 14:15 UTC · \d s ago$/)
    expect(await text('#announce')).toBe('New alert: Onset in ethereum.org, severity high')
    expect(await text('.tag.new')).toBe('new')
    expect(await bench.page.title()).toBe('(4) Overview · Farcaster Coordination Monitor')
    expect(await focused()).toBe(before)
    expect(await bench.page.evaluate('window.sameDocument')).toBe(true)
  })

  it('leaves alone what someone is about to use: the focus, what is marked, what is pressed', async () => {
    bench.scene.fail(1)
    await open('#/ops')
    const link = bench.page.locator('#source-channels a').nth(1)
    await link.focus()
    const name = await focused()
    bench.scene.fail(2)
    await soon(() => bench.page.locator('tr.failing.wrong').count()).toBe(2)
    expect(await focused()).toBe(name)
    // The text that says why the first fails.
    const mark = `getSelection().selectAllChildren(document.querySelector('.source-why'))`
    await bench.page.evaluate(mark)
    const marked = (): Promise<string> => bench.page.evaluate('getSelection().toString()')
    const before = await marked()
    expect(before).toContain('Fails now')
    bench.scene.fail(0)
    bench.scene.advance(1)
    await soon(() => text('.health')).toContain('2026-01-26 14:10')
    expect(await marked()).toBe(before)
    await bench.page.evaluate('getSelection().removeAllRanges()')
    await soon(() => bench.page.locator('tr.failing').count()).toBe(0)
    await bench.page.mouse.move(640, 300)
    await bench.page.mouse.down()
    bench.scene.advance(1)
    await bench.page.waitForTimeout(2500)
    expect(await text('.health')).toContain('14:10')
    await bench.page.mouse.up()
    await soon(() => text('.health')).toContain('14:15')
  })

  it('is told at once what happens, and of what happened while the stream was cut', async () => {
    await open()
    await soon(() => bench.host.listeners()).toBe(1)
    await soon(() => bench.page.locator('.dot').getAttribute('class')).toBe('dot fresh')
    await bench.page.locator('.alert-list a').first().waitFor()
    // When it has asked what it asks for on arrival: far sooner than it would ask again by itself.
    await bench.page.waitForTimeout(2500)
    const asked = Date.now()
    bench.scene.open('first', 'https://ethereum.org', 'First.')
    await expect.poll(() => texts('.alert-list .reason'), { timeout: 2500, interval: 50 }).toContain('First.')
    expect(Date.now() - asked).toBeLessThan(2500)
    bench.host.cut()
    bench.scene.open('second', 'https://ethereum.org', 'Second.')
    await soon(() => texts('.alert-list .reason')).toContain('Second.')
    await soon(() => bench.host.resumed.length).toBe(1)
    await soon(() => bench.host.listeners()).toBe(1)
  })

  it('holds no connection for a tab that nobody sees, and catches up when somebody does', async () => {
    await open()
    await soon(() => bench.host.listeners()).toBe(1)
    const see = (hidden: boolean) =>
      bench.page.evaluate(
        `Object.defineProperty(document, 'hidden', { value: ${hidden}, configurable: true }); document.dispatchEvent(new Event('visibilitychange'))`,
      )
    await see(true)
    await soon(() => bench.host.listeners()).toBe(0)
    bench.scene.open('new', 'https://ethereum.org', 'Already 90 casts.')
    await see(false)
    await soon(() => texts('.alert-list .reason')).toContain('Already 90 casts.')
    await soon(() => bench.host.listeners()).toBe(1)
  })

  it('asks when there is no stream to be had, says so, and takes it when there is', async () => {
    bench.host.stream(false)
    await open()
    await soon(() => bench.page.locator('.dot').getAttribute('class')).toBe('dot polled')
    expect(await bench.page.locator('#freshness').getAttribute('title')).toContain('asked every 3 s')
    bench.scene.open('new', 'https://ethereum.org', 'Already 90 casts.')
    await soon(() => text('.alert-list .reason')).toBe('Already 90 casts.')
    bench.host.stream(true)
    await soon(() => bench.page.locator('.dot').getAttribute('class')).toBe('dot fresh')
    bench.refusals()
  })
})
