import { expect, it } from 'vitest'
import { describeInBrowser, soon } from './testing/bench.ts'

describeInBrowser('runs', (bench) => {
  const { open, text, where } = bench
  const chosen = () => bench.page.locator('#run').inputValue()

  it('shows another run that is chosen, in links too', async () => {
    await open()
    await bench.page.locator('.risk-table tbody tr').first().waitFor()
    await bench.page.selectOption('#run', 'history')
    await bench.page.getByText('No alerts in this run.').waitFor()
    expect(await where()).toEqual({ path: '/', run: 'history' })
    expect(await bench.page.locator('[data-page=ops]').getAttribute('href')).toBe('#/ops?run=history')
  })

  it('finds the run of an alert, whatever a link says of it', async () => {
    await bench.serve({ run: 'history' })
    for (const hash of ['#/alert/a1', '#/alert/a1?run=live']) {
      await open(hash)
      await soon(where).toEqual({ path: '/alert/a1', run: 'history' })
      await soon(() => bench.pixels('counts', 'line')).toBeGreaterThan(1000)
      await bench.page.locator('.cast-list .text').first().waitFor()
      expect(await text('.stepper .muted')).toBe('1 of 53')
      expect(await chosen()).toBe('history')
      await bench.page.context().close()
    }
    await open()
  })

  it('opens on a run that has something, unless one is asked for or what is live waits to be processed', async () => {
    await bench.serve({ run: 'history' })
    await open()
    await soon(where).toEqual({ path: '/', run: 'history' })
    await bench.page.locator('.risk-table tbody tr').first().waitFor()
    expect(await text('#announce')).toBe('Nothing is live: this is the run history')
    // Who goes to what is live stays there.
    await bench.page.selectOption('#run', 'live')
    await bench.page.getByText('No data yet').first().waitFor()
    await bench.page.waitForTimeout(3000)
    expect(await where()).toEqual({ path: '/' })
    await bench.page.context().close()
    await open('#/?run=live')
    await bench.page.getByText('No data yet').first().waitFor()
    await bench.page.waitForTimeout(3000)
    expect(await where()).toMatchObject({ path: '/' })
    await bench.page.context().close()
    await bench.serve({ empty: true })
    await open()
    await bench.page.getByText('No data yet').first().waitFor()
    await bench.page.waitForTimeout(3000)
    expect(await chosen()).toBe('live')
  })
})
