import { expect, it } from 'vitest'
import { describeInBrowser, PAGES, PHONE } from './testing/bench.ts'
import { HOSTILE } from './testing/network.ts'

describeInBrowser('hostile texts and names', (bench) => {
  const { open, text, texts } = bench

  it.each(PAGES)(
    '%s: shows hostile texts and names as texts, and fits a phone with them',
    async (_, hash, ready) => {
      bench.scene.fail(2)
      bench.scene.bury(`${HOSTILE.script} ${HOSTILE.long}`)
      await open(hash, PHONE)
      await bench.page.locator(ready).first().waitFor()
      const shown = await bench.page.locator('main').textContent()
      expect(shown).toContain(
        hash === '#/ops' ? HOSTILE.script : 'evil.example/"><img src=x onerror=alert(3)>',
      )
      if (ready === '.cast-list .text') {
        const casts = await texts('.cast-list .text')
        expect(casts).toContain(HOSTILE.script)
        expect(casts).toContain(HOSTILE.image)
        expect(casts).toContain('pay \ufffdfdp.exe\ufffd now \ufffd')
        expect(Math.max(...casts.map((cast) => cast.length))).toBe(501)
      }
      if (hash === '#/alert/a2') {
        expect(await text('.why')).toContain(HOSTILE.image)
        expect(await text('.evidence tbody')).toContain(HOSTILE.image)
      }
      expect(
        await bench.page.evaluate(
          '[window.hacked === undefined, document.querySelectorAll("main img, main script, main [onload], main [onerror], a[href^=java], iframe").length]',
        ),
      ).toEqual([true, 0])
      expect(await bench.page.evaluate('document.documentElement.innerHTML.includes("\u202e")')).toBe(false)
      // A number, since a phone's innerWidth grows with what does not fit.
      const wide = await bench.page.evaluate(`[...document.querySelectorAll('body *')].filter((node) => {
      if (node.closest('.scroll, dialog, svg.sr')) return false
      const box = node.getBoundingClientRect()
      return box.width > 1 && (box.right > 360.5 || box.left < -0.5) && getComputedStyle(node).clipPath === 'none'
        && !node.closest('.name')
    }).map((node) => node.tagName + '.' + node.className).concat(
      [document.documentElement, document.querySelector('main')].filter((n) => n.scrollWidth > 360).map((n) => n.tagName))`)
      expect(wide).toEqual([])
    },
  )

  it('lets nothing in the page parse HTML, not even the page', async () => {
    await open()
    await bench.page.locator('.alert-list a').first().waitFor()
    const tried = await bench.page.evaluate(`['innerHTML', 'outerHTML'].map((name) => {
      try {
        document.body.appendChild(document.createElement('p'))[name] = '<b>bold</b>'
        return 'parsed'
      } catch (error) {
        return error.name
      }
    })`)
    expect(tried).toEqual(['TypeError', 'TypeError'])
    // The browser says so, too.
    expect(bench.wrongs.splice(0).join()).toContain('TrustedHTML')
  })

  it('calls a channel `/x` where it has exactly the URL of one, and nothing else', async () => {
    await open()
    const names: [id: string, label: string][] = [
      ['https://warpcast.com/~/channel/founders', '/founders'],
      ['https://farcaster.xyz/~/channel/dev-chat', '/dev-chat'],
      ['https://onchainsummer.xyz/a', 'onchainsummer.xyz/a'],
      ['http://onchainsummer.xyz', 'http://onchainsummer.xyz'],
      ['http://warpcast.com/~/channel/founders', 'http://warpcast.com/~/channel/founders'],
      ['https://warpcast.com/~/channel/founders/', 'warpcast.com/~/channel/founders/'],
      ['https://warpcast.com/~/channel/founders?x', 'warpcast.com/~/channel/founders?x'],
      ['https://warpcast.com/~/channel/f\u043eunders', 'warpcast.com/~/channel/f\u043eunders'],
      ['https://warpcast.com/~/channel/founders\u200b', 'warpcast.com/~/channel/founders\u200b'],
      ['https://warpcast.com/~/channel/founders\n', 'warpcast.com/~/channel/founders\n'],
      ['https://warpcast.com.evil.example/~/channel/x', 'warpcast.com.evil.example/~/channel/x'],
      ['https:///founders', 'https:///founders'],
      ['https://\u200b/founders', 'https://\u200b/founders'],
      ['https://All channels', 'https://All channels'],
      ['/founders', '"/founders"'],
      ['\u200b/founders', '"\u200b/founders"'],
      [' /founders', '" /founders"'],
      ['All channels', '"All channels"'],
      ['', '""'],
      ['chain://eip155:1/erc721:0xabc', 'chain://eip155:1/erc721:0xabc'],
      ['*', 'All channels'],
      ['_', 'No channel'],
    ]
    const said = await bench.page.evaluate(
      `import('/dashboard/format.js').then(({ channelLabel }) => ${JSON.stringify(names.map(([id]) => id))}.map(channelLabel))`,
    )
    expect(said).toEqual(names.map(([, label]) => label))
  })
})
