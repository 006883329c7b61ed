import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { expect, it } from 'vitest'
import { channelHash, describeInBrowser, PAGES, SOON, soon } from './testing/bench.ts'
import { SUMMER } from './testing/network.ts'

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

describeInBrowser("the dashboard, for who can't see or point", (bench) => {
  const { open, focused } = bench

  it.each(PAGES)('%s: axe finds nothing, in light and in dark', async (_, hash, ready) => {
    bench.scene.fail(1)
    bench.scene.hold(2)
    bench.scene.cap(2)
    bench.scene.bury('not a message')
    const script = await readFile(AXE, 'utf8')
    await open(hash, { colorScheme: 'light' })
    await bench.page.locator(ready).first().waitFor()
    for (const theme of ['light', 'dark']) {
      await soon(() => bench.page.evaluate('document.documentElement.dataset.theme')).toBe(theme)
      await bench.page.evaluate(script)
      const found = await bench.page.evaluate(
        "axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }).then(({ violations }) => violations.map((v) => v.id + ': ' + v.nodes.map((n) => n.html + ' ' + n.failureSummary).join(' | ')))",
      )
      expect(found, theme).toEqual([])
      await bench.page.emulateMedia({ colorScheme: 'dark' })
    }
  })

  it('skips to the page, and lets nobody get stuck in it', async () => {
    await open(channelHash(SUMMER))
    await bench.page.locator('.chart.counts canvas').waitFor()
    await bench.page.keyboard.press('Tab')
    expect(await focused()).toBe('Skip to the page')
    await bench.page.keyboard.press('Enter')
    expect(await bench.page.evaluate('document.activeElement.id')).toBe('page')
    const seen = new Set<string>()
    for (let i = 0; i < 60; i++) {
      await bench.page.keyboard.press('Tab')
      const at: string = await bench.page.evaluate(
        'document.activeElement === document.body ? "" : document.activeElement.outerHTML.slice(0, 200)',
      )
      if (at === '' || (i > 5 && at.includes('class="skip"'))) return
      seen.add(at)
    }
    expect(`out of the page after ${seen.size} stops`).toBe('out of the page')
  })

  it('moves nothing for who wants no motion', async () => {
    await open('', { reducedMotion: 'reduce' })
    await bench.page.locator('.alert-list a').first().waitFor()
    bench.scene.open('new', 'https://ethereum.org', 'Already 90 casts.')
    await bench.page.locator('.alert-list a.fresh').waitFor(SOON)
    const moving = (): Promise<number> => bench.page.evaluate('document.getAnimations().length')
    expect(await moving()).toBe(0)
    await bench.page.context().close()
    await open()
    await bench.page.locator('.alert-list a').first().waitFor()
    bench.scene.open('newer', 'https://ethereum.org', 'Already 91 casts.')
    await bench.page.locator('.alert-list a.fresh').waitFor(SOON)
    expect(await moving()).toBeGreaterThan(0)
  })

  it('has the contrast of WCAG AA on every ground, also of what axe does not see', async () => {
    await open()
    await bench.page.locator('.alert-list a').first().waitFor()
    const value = (name: string): Promise<string> =>
      bench.page.evaluate(`getComputedStyle(document.documentElement).getPropertyValue('--${name}').trim()`)
    for (const theme of ['light', 'dark']) {
      if (theme === 'dark') await bench.page.keyboard.press('t')
      const contrast = async (a: string, b: string): Promise<number> => {
        const [high, low] = [luminance(await value(a)), luminance(await value(b))].sort((x, y) => y - x) as [
          number,
          number,
        ]
        return (high + 0.05) / (low + 0.05)
      }
      for (const ground of ['surface', 'ground', 'hover', 'current']) {
        for (const ink of ['text', 'muted', 'accent', 'high', 'medium', 'low', 'score', 'outside']) {
          expect(await contrast(ink, ground), `${ink} on ${ground}, ${theme}`).toBeGreaterThanOrEqual(4.5)
        }
      }
      for (const mark of ['line', 'outside', 'expected', 'score', 'threshold', 'border-strong', 'focus']) {
        expect(await contrast(mark, 'surface'), `${mark}, ${theme}`).toBeGreaterThanOrEqual(3)
      }
    }
  })
})

/** Of a colour like `#1a2b3c`, as WCAG defines it. */
function luminance(color: string): number {
  const [r, g, b] = [1, 3, 5].map((i) => {
    const c = Number.parseInt(color.slice(i, i + 2), 16) / 255
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4
  }) as [number, number, number]
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}
