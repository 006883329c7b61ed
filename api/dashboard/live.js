// @ts-check
/**
 * News from the server, as it happens. What is shown always comes from the API's answers; the stream only says when to
 * ask again, so that nothing is missing after it was cut.
 */

/** After a refusal the browser does not try again by itself; we do, ms. */
const RETRY_MS = 5000

/**
 * @param {(now: number | null) => void} onNews gets the event time that the server has reached, ms, if it tells
 * @param {() => void} onChange the state is another
 */
export function createLive(onNews, onChange) {
  /** @type {EventSource | null} */
  let source = null
  let url = ''
  let retry = 0
  /** @type {'off' | 'connecting' | 'live' | 'lost'} */
  let state = 'off'

  const become = (/** @type {typeof state} */ next) => {
    if (state === next) return
    state = next
    onChange()
  }

  function open() {
    clearTimeout(retry)
    source?.close()
    const opened = new EventSource(url)
    source = opened
    opened.onopen = () => {
      become('live')
      onNews(null)
    }
    opened.onerror = () => {
      become('lost')
      if (opened.readyState === EventSource.CLOSED) retry = window.setTimeout(open, RETRY_MS)
    }
    opened.addEventListener('alert', () => onNews(null))
    opened.addEventListener('bins', (event) => {
      const now = Date.parse(told(event.data)?.now ?? '')
      onNews(Number.isNaN(now) ? null : now)
    })
  }

  return {
    state: () => state,
    /** Listens to a run's news from now on. */
    listen(/** @type {string} */ run) {
      const next = `/v1/stream?${new URLSearchParams({ run })}`
      if (source && url === next) return
      url = next
      become('connecting')
      open()
    },
    /** A tab that nobody sees must not hold one of the browser's few connections. */
    stop() {
      clearTimeout(retry)
      source?.close()
      source = null
      become('off')
    },
  }
}

/** @returns {{ now?: string } | null} */
function told(/** @type {string} */ json) {
  try {
    return JSON.parse(json)
  } catch {
    return null
  }
}
