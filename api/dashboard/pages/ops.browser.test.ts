import { expect, it } from 'vitest'
import { describeInBrowser, PHONE, soon } from '../testing/bench.ts'
import { HOSTILE } from '../testing/network.ts'

describeInBrowser('operations', (bench) => {
  const { open, text, texts } = bench

  it('says what lags by role, whether that grows, and when it is done', async () => {
    bench.scene.lag(75)
    await open('#/ops')
    await bench.page
      .getByText('Catching up: event time 2026-01-26 14:05 UTC reached, 6,000 records to go.')
      .waitFor()
    await soon(() => text('#lag-badge')).toBe('Lag 75 s · 6,000 records')
    await soon(() => texts('.lag-table tbody tr:first-child :is(th, td)')).toEqual(
      expect.arrayContaining(['count', 'activity', '6,000', '75 s']),
    )
    bench.scene.lag(20)
    await soon(() => text('.lag-table .trend:not(th)')).toMatch(/^done in \d+ (s|min)$/)
    bench.scene.lag(500)
    await soon(() => text('.lag-table td.trend')).toMatch(/^grows by [\d,]+\/s$/)
    expect(await texts('.lag-table tr.behind th')).toEqual(await texts('.lag-table tbody th'))
  })

  it('shows how long each hop takes, against its budget', async () => {
    const decided = (times: number, stored: number) => {
      for (let i = 0; i < times; i++) bench.scene.decide({ count: 6, detect: 12, store: stored })
    }
    decided(100, 9)
    await open('#/ops')
    await bench.page.locator('.hop').first().waitFor()
    expect(await texts('.hop strong')).toEqual([
      'Counting: from the record that decides to the closed bin',
      'Detecting: to the alert',
      'Storing: to the commit in the database',
      'All of it',
    ])
    expect(await bench.page.locator('.hop svg').last().getAttribute('aria-label')).toBe(
      'All of it: 100, median 25 ms, 90 % within 29 ms, 99 % within 29.9 ms',
    )
    // 11 buckets of 24 px; the line stands behind the seventh, whose end is the budget.
    expect(await bench.page.locator('.hop .budget').first().getAttribute('d')).toBe('M168.0 0V48')
    expect(await bench.page.locator('.hop.late').count()).toBe(0)
    decided(5, 212)
    await soon(() => bench.page.locator('.hop.late').count()).toBe(2)
    expect(await text('.latency .none')).toMatch(
      /^Alerts of the last \d+ s\. The dashed line is the budget of 150 ms/,
    )
    expect((await texts('.hop.late dd')).at(-1)).toBe('229 ms')
  })

  it('says what the source does: how far it is, what it missed, whom it asks, and what fails now', async () => {
    await open('#/ops')
    await soon(() => text('#source-badge')).toBe('Gaps 2.1 %')
    bench.scene.fail(2)
    bench.scene.hold(3)
    await soon(() => text('#source-badge')).toBe('Gaps 2.1 % · 2 failing · 3 behind')
    expect(await texts('.source > table tbody tr')).toEqual([
      'posts26 Jan 14:00< 0.1 %',
      'replies26 Jan 12:502.1 %',
      'reactions26 Jan 12:50–',
    ])
    expect(await text('.source > .none')).toBe(
      'Last round of polls 26 Jan 14:05: 212 requests, 2 failed. Next from 26 Jan 14:10 on.',
    )
    expect(await text('.source h4')).toBe('Requests by channel, 26 Jan 13:00–14:00')
    const rows = await texts('#source-channels tr')
    expect(rows[0]).toBe('onchainsummer.xyz1,480326 Jan 14:00––')
    // A server's words are a stranger's: text, and not too much of it.
    expect(rows[1]).toBe(`Fails now: HTTP status 503 ${HOSTILE.script} · Behind in replies and reactions`)
    expect(rows[3]).toMatch(/^Fails now: .{200}… · Behind in reactions$/s)
    expect(rows[5]).toBe('Behind in replies and reactions')
    expect(rows[6]).toMatch(/^chain:/)
    await bench.page.getByRole('button', { name: 'Show all 28' }).click()
    await soon(() => bench.page.locator('.source-name').count()).toBe(28)
    expect(await bench.page.getByRole('button', { name: /^Show all/ }).count()).toBe(0)
  })

  it('tells of gaps, dead letters, and what has failed', async () => {
    await open('#/ops')
    // What was missed of two measures at once was missed once.
    await soon(() => texts('.gaps tbody tr')).toEqual([
      `onchainsummer.xyzposts and replies25 Jan 15:3525 Jan 18:053 hthe hub did not answer ${HOSTILE.image}`,
    ])
    expect(await text('.gaps .head .muted')).toBe('1 gap in 1 channel, times in UTC')
    expect(await text('.source h3')).toMatch(/missed of channels that it follows$/)
    await bench.page.getByText('None: every record could be processed.').waitFor()
    expect(await text('.health > dl > div')).toBe('Serverready')
    expect(await text('.health')).toContain('Version1.0.0')
    bench.scene.bury(`not a message: ${HOSTILE.script}`)
    bench.scene.break('The role detect stopped: its disk is full.')
    await soon(() => texts('.dead tbody td')).toEqual([
      'activity',
      'count',
      '3',
      '26 Jan 14:05',
      `not a message: ${HOSTILE.script}`,
    ])
    await soon(() => text('.health .wrong')).toBe('Servernot readyThe role detect stopped: its disk is full.')
    bench.refusals()
  })

  it('shows nothing of a source at a run that was not polled', async () => {
    await open('#/ops?run=history')
    await bench.page.getByText('None is known.').waitFor()
    expect(await bench.page.locator('.source').isVisible()).toBe(false)
    expect(await bench.page.locator('#source-badge').isVisible()).toBe(false)
  })

  it('cuts channel names that are too long at their end, all of them in line', async () => {
    await open('#/ops', PHONE)
    const cell = bench.page.locator('.source-name', { hasText: 'zora.co' })
    await cell.waitFor()
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
    expect(await bench.page.evaluate(shown)).toEqual([true, false])
    const lefts = await bench.page.evaluate(
      `[...new Set([...document.querySelectorAll('.source-name bdi')].map((b) => b.getBoundingClientRect().left))]`,
    )
    expect(lefts).toHaveLength(1)
    expect(await texts('.source-name')).toContain('/farcaster')
    expect(await bench.page.getByRole('link', { name: '/farcaster' }).getAttribute('href')).toBe(
      '#/channel/https%3A%2F%2Fwarpcast.com%2F~%2Fchannel%2Ffarcaster',
    )
    expect(
      await bench.page.locator('.source-name .name').filter({ hasText: '/farcaster' }).getAttribute('title'),
    ).toBe('https://warpcast.com/~/channel/farcaster')
  })
})
