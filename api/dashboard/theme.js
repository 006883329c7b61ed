// @ts-check
/**
 * Light or dark, before anything is drawn: as chosen here last, else as the system has it. Not a module, since those run
 * only after the first paint.
 */
;(() => {
  const KEY = 'fcm-theme'
  const dark = matchMedia('(prefers-color-scheme: dark)')
  /** Storage can be shut off; then a choice lasts as long as the page. */
  let chosen = ''
  try {
    chosen = localStorage.getItem(KEY) ?? ''
  } catch {}
  const apply = () => {
    const theme = chosen === 'light' || chosen === 'dark' ? chosen : dark.matches ? 'dark' : 'light'
    if (document.documentElement.dataset.theme === theme) return
    document.documentElement.dataset.theme = theme
    dispatchEvent(new Event('theme'))
  }
  dark.addEventListener('change', apply)
  addEventListener('choose-theme', (event) => {
    const wanted = /** @type {CustomEvent<string>} */ (event).detail
    // What the system has anyway is not kept, so that the page follows it again.
    chosen = wanted === (dark.matches ? 'dark' : 'light') ? '' : wanted
    try {
      localStorage.setItem(KEY, chosen)
    } catch {}
    apply()
  })
  apply()
})()
