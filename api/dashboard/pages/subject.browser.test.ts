import { expect, it } from 'vitest'
import { describeInBrowser, soon } from '../testing/bench.ts'
import { HOSTILE, SUMMER } from '../testing/network.ts'

/** As the API answers for `a1`, but for what is given: alerts to come, of kinds that no detector here has. */
const answer = (bench: Parameters<Parameters<typeof describeInBrowser>[1]>[0], given: object) =>
  bench.page.route('**/v1/alerts/a1', async (route) => {
    const response = await route.fetch()
    await route.fulfill({ response, json: { ...(await response.json()), ...given } })
  })
const NO_SERIES = { series: null, resolution: null, start: null }
const accounts = Array.from({ length: 100 }, (_, i) => 44_000 + i)

describeInBrowser('an alert that is about no series', (bench) => {
  const { open, text, texts } = bench
  const show = async (given: object) => {
    await open('#/ops')
    await answer(bench, given)
    await bench.page.evaluate("location.hash = '#/alert/a1'")
    await bench.page.locator('.story h2').waitFor()
  }

  it('is of a cluster of accounts: says who, and shows figures that it has no words for', async () => {
    await show({
      ...NO_SERIES,
      type: 'cluster',
      reason: `10 accounts posted one link within 20 s ${HOSTILE.image}`,
      subject: { type: 'cluster', id: 'c-7', accounts, size: 120 },
      evidence: [
        {
          detector: 'co-action',
          figures: [
            { name: 'pairs in step', value: 45 },
            { name: 'p', value: 0.00012345 },
          ],
          reason: `one link ${HOSTILE.script}`,
        },
        {
          detector: `odd ${HOSTILE.script}`,
          volleys: 6,
          link: HOSTILE.image,
          nested: { a: 1 },
          reason: null,
        },
      ],
    })
    expect(await text('.story h2')).toBe('cluster in onchainsummer.xyz')
    expect(await text('.story .opened')).toMatch(/ by a cluster of 120 accounts · open for 6 h$/)
    expect(await text('.members')).toMatch(/^fid 44000, 44001, .*44099 and 20 more$/)
    expect(await texts('.evidence tbody tr')).toEqual([
      `co-actionpairs in step 45 · p 0.00one link ${HOSTILE.script}`,
      `odd ${HOSTILE.script}volleys 6 · link ${HOSTILE.image}–`,
    ])
    // Its channel's course around then, and no log of decisions of a series.
    await soon(() => bench.pixels('counts', 'line')).toBeGreaterThan(1000)
    expect(await texts('.links a')).not.toContain('Decision log (CSV)')
    expect(await bench.page.evaluate('window.hacked === undefined')).toBe(true)
  })

  it('may be of a community, a channel, or of what is not known here at all', async () => {
    await show({ ...NO_SERIES, subject: { type: 'community', id: 'x', size: 1 }, evidence: [] })
    expect(await text('.story .opened')).toContain('by a community of 1 account ·')
    expect(await bench.page.locator('.members').count()).toBe(0)
    await bench.page.context().close()
    await show({ ...NO_SERIES, subject: { type: 'channel' }, evidence: [] })
    expect(await text('.story .opened')).toContain('by the channel as a whole ·')
    await bench.page.context().close()
    await show({ ...NO_SERIES, subject: { type: 'constellation', id: '<b>7</b>' }, evidence: [] })
    expect(await text('.story .opened')).toContain('by constellation <b>7</b> ·')
  })

  it('is one among others in the list, and keeps its name there', async () => {
    bench.scene.open('new', SUMMER, 'They act as one.', { type: 'coordinated-cluster' })
    await open()
    await soon(() => text('.alert-list .type')).toBe('coordinated-cluster')
    expect(await text('.mark-link')).toMatch(/coordinated-cluster|Early warning/)
  })
})
