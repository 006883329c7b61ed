import { expect, it } from 'vitest'
import { channelHash, describeInBrowser, SOON } from './testing/bench.ts'
import { SUMMER } from './testing/network.ts'

describeInBrowser('what does not answer', (bench) => {
  const { open, text } = bench

  it('says that the server is gone, keeps what it knew, and goes on when it is back', async () => {
    await open(channelHash(SUMMER))
    await bench.page.locator('.chart.counts canvas').waitFor()
    bench.scene.reject('store')
    bench.scene.advance(1)
    await bench.page
      .getByText(
        /Frozen since .*: the server does not answer \(What holds the answer can't be reached\. Try again in 5 s\.\)/,
      )
      .waitFor({ timeout: 14_000 })
    bench.scene.mend('store')
    await bench.page.locator('#notice').waitFor({ state: 'hidden', timeout: 8000 })
    bench.refusals()
    await bench.host.stop()
    await bench.page
      .getByText(/Frozen since \d\d:\d\d:\d\d UTC: the server does not answer/)
      .waitFor({ timeout: 8000 })
    expect(await text('#freshness-text')).toContain('frozen')
    expect(await bench.pixels('counts', 'line')).toBeGreaterThan(1000)
    // Another page, of which nothing is known yet.
    await bench.page.keyboard.press('1')
    await bench.page.locator('.triage').waitFor()
    await bench.host.restart()
    await bench.page.locator('#notice').waitFor({ state: 'hidden', timeout: 8000 })
    await bench.page.locator('.alert-list a').first().waitFor(SOON)
    await expect
      .poll(() => bench.page.locator('.dot').getAttribute('class'), { timeout: 14_000 })
      .toBe('dot fresh')
  })
})
