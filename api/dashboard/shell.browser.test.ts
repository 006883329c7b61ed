import { expect, it } from 'vitest'
import { channelHash, describeInBrowser, soon } from './testing/bench.ts'
import { HOSTILE, SUMMER } from './testing/network.ts'

describeInBrowser('the page around the pages', (bench) => {
  const { open, text, where } = bench

  it('goes to every page by key, and shows the keys', async () => {
    await open()
    await bench.page.locator('.alert-list a').first().waitFor()
    const { keyboard } = bench.page
    await keyboard.press('4')
    await soon(where).toEqual({ path: '/ops' })
    await keyboard.press('2')
    await soon(async () => (await where()).path).toBe(`/channel/${SUMMER}`)
    await keyboard.press('3')
    await soon(async () => (await where()).path).toBe('/alert/a1')
    for (const [letter, path] of [
      ['p', '/ops'],
      ['c', `/channel/${SUMMER}`],
      ['a', '/alert/a1'],
      ['o', '/'],
    ] as const) {
      await keyboard.press('g')
      await keyboard.press(letter)
      await soon(async () => (await where()).path).toBe(path)
    }
    expect(await bench.page.locator('[aria-current=page]').textContent()).toContain('Overview')
    await keyboard.press('?')
    await bench.page.getByText('light or dark').waitFor()
    // Keys mean nothing to the page while it is open, and Escape closes it and no more.
    await keyboard.press('4')
    await keyboard.press('Escape')
    await bench.page.getByText('light or dark').waitFor({ state: 'hidden' })
    expect(await where()).toEqual({ path: '/' })
    // What is typed is not a command.
    await keyboard.press('/')
    await keyboard.type('4?')
    expect(await where()).toEqual({ path: '/', q: '4?' })
    expect(await bench.page.locator('.search').inputValue()).toBe('4?')
  })

  it('prints light, charts too, whatever the theme', async () => {
    await open(channelHash(SUMMER), { colorScheme: 'dark' })
    await soon(() => bench.pixels('counts', 'line')).toBeGreaterThan(1000)
    await bench.page.emulateMedia({ media: 'print' })
    const ground = `getComputedStyle(document.body).backgroundColor`
    await soon(() => bench.page.evaluate(ground)).toBe('rgb(246, 247, 249)')
    await soon(() => bench.pixels('counts', 'line')).toBeGreaterThan(1000)
    expect(await bench.page.locator('.controls').isVisible()).toBe(false)
    expect(await bench.page.evaluate('document.querySelector("main").scrollHeight <= innerHeight')).toBe(
      false,
    )
    expect(await bench.page.evaluate('getComputedStyle(document.querySelector("main")).overflowY')).toBe(
      'visible',
    )
  })

  it('is light or dark as the system is, or as it was told, also the next time', async () => {
    await open('', { colorScheme: 'dark' })
    const theme = (): Promise<string> => bench.page.evaluate('document.documentElement.dataset.theme')
    expect(await theme()).toBe('dark')
    await bench.page.getByRole('button', { name: 'Switch to light colours' }).click()
    await soon(theme).toBe('light')
    await bench.page.reload()
    expect(await theme()).toBe('light')
    await bench.page.keyboard.press('t')
    await soon(theme).toBe('dark')
    // Told nothing but what the system says, it follows the system.
    await bench.page.emulateMedia({ colorScheme: 'light' })
    await soon(theme).toBe('light')
    await bench.page.goto(bench.host.url + channelHash(SUMMER))
    await soon(() => bench.pixels('counts', 'line')).toBeGreaterThan(1000)
    await bench.page.keyboard.press('t')
    await soon(() => bench.pixels('counts', 'line')).toBeGreaterThan(1000)
  })

  it('says what the server must tell of all that is shown, as text, and nothing when it has nothing to tell', async () => {
    await bench.serve({ notice: `Simulated network ${HOSTILE.image}` })
    await open()
    await soon(() => text('#about-notice')).toBe(`Simulated network ${HOSTILE.image}`)
    expect(await bench.page.locator('#about-notice').isVisible()).toBe(true)
    // It is of what is live.
    await bench.page.selectOption('#run', 'history')
    await bench.page.locator('#about-notice').waitFor({ state: 'hidden' })
    await bench.page.selectOption('#run', 'live')
    await bench.page.locator('#about-notice').waitFor()
    await bench.page.context().close()
    await bench.serve({ notice: null })
    await open()
    await bench.page.locator('.alert-list a').first().waitFor()
    bench.scene.advance(1)
    await soon(() => text('#freshness-text')).toMatch(/14:10/)
    expect(await bench.page.locator('#about-notice').isVisible()).toBe(false)
  })

  it('says so when there is no such run, and shows another that is chosen', async () => {
    await open('#/?run=nope')
    await bench.page.getByText('This can\'t be shown: There is no run "nope".').first().waitFor()
    await bench.page.selectOption('#run', 'live')
    await bench.page.locator('.alert-list a').first().waitFor()
    expect(await bench.page.locator('#notice').isVisible()).toBe(false)
    expect(bench.refusals().length).toBeGreaterThan(0)
  })

  it('shows the overview for an address that means nothing', async () => {
    await open('#/nonsense')
    await bench.page.locator('.alert-list a').first().waitFor()
    for (const hash of ['#/channel/%zz', '#/alert/', '#channel=old', '#/?resolution=7&measure=x']) {
      await bench.page.evaluate(`location.hash = '#/ops'`)
      await soon(() => bench.page.title()).toContain('Operations')
      await bench.page.evaluate(`location.hash = ${JSON.stringify(hash)}`)
      await soon(() => bench.page.title()).toContain('Overview')
    }
  })
})
