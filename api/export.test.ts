import { once } from 'node:events'
import { request } from 'node:http'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FcmError } from '../common/errors.ts'
import type { CountRow } from '../connectors/postgres/series/series.ts'
import { exportText, HEADERS } from './export.ts'
import { CHANNEL, countRow, fakeStore, HOSTILE, rowsOf, SERIES, testApi } from './testing.ts'

const open: { app: { close(): Promise<unknown> } }[] = []
const apiOver = async (overrides: Parameters<typeof fakeStore>[0]) => {
  const api = await testApi({ store: fakeStore(overrides) })
  open.push(api)
  return api.app
}
afterAll(async () => {
  for (const { app } of open) await app.close()
})

/** Reads RFC 4180, by a reader of its own. */
function parseCsv(text: string): string[][] {
  const lines: string[][] = [[]]
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\n|$)/g)) {
    lines.at(-1)!.push(quoted?.replaceAll('""', '"') ?? plain ?? '')
    if (end === '\n') lines.push([])
    if (end === '') break
  }
  return lines.slice(0, -1)
}

describe('exports', () => {
  let plain: Awaited<ReturnType<typeof testApi>>
  beforeAll(async () => {
    plain = await testApi()
  })

  it('gives counts with fixed columns, byte for byte', async () => {
    const { app } = plain
    const answer = await app.inject({ url: '/v1/export/counts' })
    expect(answer.body).toBe(
      `series,start,seconds,count,late,covered\n${SERIES},2024-02-05T00:05:00Z,300,7,1,0.5\n`,
    )
    expect(answer.headers).toMatchObject({
      'content-type': 'text/csv; charset=utf-8; header=present',
      'content-disposition': 'attachment; filename="counts-live.csv"',
    })
  })

  it('gives signals with null as an empty field and numbers that read back the same', async () => {
    const { app } = plain
    const [header, row] = parseCsv((await app.inject({ url: '/v1/export/signals' })).body)
    const signal = Object.fromEntries(header!.map((name, i) => [name, row![i]]))
    expect(signal).toMatchObject({
      rawAutocorrelation: '',
      score: '',
      residual: '1e-7',
      rawVariance: '1e+21',
    })
    expect(signal).toMatchObject({ autocorrelationTrend: '0.30000000000000004', reason: HOSTILE })
  })

  it('gives alert events with their evidence as JSON in one column, and text as it is', async () => {
    const { app } = plain
    const [header, row] = parseCsv((await app.inject({ url: '/v1/export/alerts' })).body)
    const alert = Object.fromEntries(header!.map((name, i) => [name, row![i]]))
    expect(alert).toMatchObject({ channel: '=HYPERLINK("x")', reason: 'a, "b"\r\nc', sequence: '1' })
    expect(JSON.parse(alert.evidence!)).toMatchObject([
      { series: 'casts:=HYPERLINK("x")', start: '2024-02-05T00:05:00Z', count: 31, score: null },
    ])
  })

  it.each(['counts', 'signals', 'alerts'] as const)(
    '%s have the same columns in CSV and NDJSON',
    async (what) => {
      const { app } = plain
      const csv = parseCsv((await app.inject({ url: `/v1/export/${what}` })).body)
      const ndjson = await app.inject({ url: `/v1/export/${what}?format=ndjson` })
      expect(ndjson.headers['content-type']).toBe('application/x-ndjson; charset=utf-8')
      expect(csv[0]).toEqual(HEADERS[what])
      expect(csv[0]).toEqual(Object.keys(JSON.parse(ndjson.body)))
      expect(csv[1]).toHaveLength(csv[0]!.length)
    },
  )

  it('has a header when there are no rows', async () => {
    const app = await apiOver({ series: { exportCounts: () => rowsOf() } })
    expect((await app.inject({ url: '/v1/export/counts' })).body).toBe(`${HEADERS.counts.join(',')}\n`)
    expect((await app.inject({ url: '/v1/export/counts?format=ndjson' })).body).toBe('')
  })

  it('keeps any text through CSV', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.string({ unit: 'binary' }), fc.string()), { maxLength: 8 }),
        async (texts) => {
          let csv = ''
          for await (const chunk of exportText(rowsOf(...texts), ([a, b]) => ({ a, b }), ['a', 'b'], 'csv'))
            csv += chunk
          expect(parseCsv(csv)).toEqual([['a', 'b'], ...texts])
        },
      ),
      { numRuns: 50 },
    )
  })

  it('puts an apostrophe before what a spreadsheet takes for a formula, where that is asked for', async () => {
    const { app } = plain
    const [, row] = parseCsv((await app.inject({ url: '/v1/export/alerts?safe=spreadsheet' })).body)
    expect(row![HEADERS.alerts.indexOf('channel')]).toBe(`'=HYPERLINK("x")`)
    expect(row![HEADERS.alerts.indexOf('sequence')]).toBe('1')
    const ndjson = await app.inject({ url: '/v1/export/alerts?safe=spreadsheet&format=ndjson' })
    expect(JSON.parse(ndjson.body).channel).toBe('=HYPERLINK("x")')
    expect((await app.inject({ url: '/v1/export/alerts?safe=x' })).statusCode).toBe(400)
    const text = fc.oneof(
      fc.string(),
      fc.constantFrom('=1+1', '+1', '-1', '@x', '\t=1', '\r=1', '\n=1', '1=1'),
    )
    await fc.assert(
      fc.asyncProperty(text, fc.double({ noNaN: true }), async (a, b) => {
        let csv = ''
        for await (const chunk of exportText(
          rowsOf([a, b] as const),
          ([a, b]) => ({ a, b }),
          ['a', 'b'],
          'spreadsheet',
        ))
          csv += chunk
        const [, [text, number]] = parseCsv(csv) as [string[], [string, string]]
        expect(text === a || text === `'${a}`).toBe(true)
        expect(text).not.toMatch(/^[=+\-@\t\r\n]/)
        expect(number).toBe(`${b}`)
      }),
    )
  })

  it('passes filters on', async () => {
    const store = fakeStore()
    const { app } = await testApi({ store })
    const filters = `run=history&series=${encodeURIComponent(SERIES)}&channel=${encodeURIComponent(CHANNEL)}&from=2024-02-05T00:00:00Z`
    await app.inject({ url: `/v1/export/counts?${filters}&resolution=3600&fill=true` })
    const filter = {
      run: 'history',
      series: SERIES,
      channel: CHANNEL,
      from: Date.UTC(2024, 1, 5),
      to: undefined,
    }
    expect(store.asked.at(-1)).toEqual(['series.exportCounts', { ...filter, resolution: 3600, fill: true }])
    await app.inject({ url: `/v1/export/signals?${filters}` })
    expect(store.asked.at(-1)).toEqual(['series.exportSignals', { ...filter, resolution: undefined }])
    await app.inject({ url: '/v1/export/counts' })
    expect(store.asked.at(-1)).toMatchObject([
      'series.exportCounts',
      { run: 'live', resolution: 300, fill: false },
    ])
  })

  it('refuses a run that is not there, and zeros where there are none', async () => {
    const { app } = plain
    const unknown = await app.inject({ url: '/v1/export/counts?run=histroy' })
    expect(unknown.statusCode).toBe(404)
    expect(unknown.json()).toMatchObject({ type: 'urn:fcm:problem:run-unknown' })
    const filled = await app.inject({ url: '/v1/export/signals?fill=true' })
    expect(filled.statusCode).toBe(400)
    expect(filled.json().errors[0].name).toBe('fill')
    expect((await app.inject({ method: 'HEAD', url: '/v1/export/counts' })).statusCode).toBe(405)
  })
})

describe('a long export', () => {
  /** Rows without end, or until `stopAt`, when `end` is called. */
  const endless = (stopAt = Number.POSITIVE_INFINITY, end = () => {}) => {
    const seen = { read: 0, ended: false }
    async function* rows(): AsyncGenerator<CountRow> {
      try {
        for (seen.read = 0; ; seen.read++) {
          if (seen.read >= stopAt) end()
          yield countRow
        }
      } finally {
        seen.ended = true
      }
    }
    return { seen, exportCounts: rows }
  }
  const served = async (exportCounts: () => AsyncIterable<CountRow>) => {
    const app = await apiOver({ series: { exportCounts } })
    const url = await app.listen({ host: '127.0.0.1', port: 0 })
    return { app, url: `${url}/v1/export/counts` }
  }
  const responseOf = async (url: string) => {
    const asked = request(url)
    asked.end()
    const [response] = (await once(asked, 'response')) as [import('node:http').IncomingMessage]
    return response
  }
  const settled = () => new Promise((resolve) => setTimeout(resolve, 150))

  it('is read no faster than its reader reads, and is ended with him', async () => {
    const { seen, exportCounts } = endless()
    const { url } = await served(exportCounts)
    const response = await responseOf(url)
    let read = -1
    while (read !== seen.read) {
      read = seen.read
      await settled()
    }
    expect(read).toBeGreaterThan(0)
    expect(seen.ended).toBe(false)
    response.destroy()
    await expect.poll(() => seen.ended).toBe(true)
  })

  it('breaks the connection when it fails midway, so that a part is not taken for the whole', async () => {
    const fail = () => {
      throw new FcmError('DATABASE_UNREACHABLE', { why: 'gone' })
    }
    const { exportCounts } = endless(5000, fail)
    const { app, url } = await served(exportCounts)
    const response = await responseOf(url)
    expect(response.statusCode).toBe(200)
    await expect(response.toArray()).rejects.toThrow(/aborted/)
    expect(response.complete).toBe(false)

    const inside = await app.inject({ url: '/v1/export/counts', payloadAsStream: true })
    await expect(inside.stream().toArray()).rejects.toThrow(/^The database does not answer: gone/)
  })

  it('is a problem when it fails before its first byte', async () => {
    const fail = () => {
      throw new FcmError('DATABASE_UNREACHABLE', { why: 'gone' })
    }
    const app = await apiOver({ series: { exportCounts: endless(0, fail).exportCounts } })
    const answer = await app.inject({ url: '/v1/export/counts' })
    expect(answer.statusCode).toBe(503)
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/)
    expect(answer.headers['content-disposition']).toBeUndefined()
  })

  it('is broken off when the server stops, which it does at once', async () => {
    const { seen, exportCounts } = endless()
    const { app, url } = await served(exportCounts)
    const response = await responseOf(url)
    const broken = expect(response.toArray()).rejects.toThrow(/aborted/)
    await app.close()
    await broken
    expect(seen.ended).toBe(true)
  })

  it('streams without listening, too', async () => {
    const { seen, exportCounts } = endless()
    const app = await apiOver({ series: { exportCounts } })
    const answer = await app.inject({ url: '/v1/export/counts', payloadAsStream: true })
    let bytes = 0
    for await (const chunk of answer.stream()) {
      bytes += (chunk as Buffer).length
      if (bytes > 300_000) break
    }
    await settled()
    expect(seen.read).toBeLessThan(20_000)
  })
})
