import fc from 'fast-check'
import { expect, it } from 'vitest'
import { CHANNEL, SERIES, testApi } from '../testing.ts'
import { pageOf } from './asking.ts'

const page = (list: string, filter: unknown[], cursor?: string) =>
  pageOf(
    list,
    filter,
    { limit: 3, ...(cursor !== undefined && { cursor }) },
    async (paging) => ({ items: [paging.cursor], next: 'place_1' }),
    (item) => item,
  )

it('hands the cursor of the store on where the question is the same, and refuses it elsewhere', async () => {
  const filter = fc.array(
    fc.oneof(fc.string(), fc.integer(), fc.constant(undefined), fc.record({ a: fc.string() })),
  )
  const question = fc.tuple(fc.constantFrom('alerts', 'gaps'), filter)
  await fc.assert(
    fc.asyncProperty(question, question, async ([list, asked], [other, otherwise]) => {
      const { next } = await page(list, asked)
      expect(next).toMatch(/^[\w-]{11}\.place_1$/)
      expect(await page(list, asked, next!)).toEqual({ items: ['place_1'], next })
      const again = page(other, otherwise, next!)
      if (JSON.stringify([list, asked]) === JSON.stringify([other, otherwise])) await again
      else
        await expect(again).rejects.toMatchObject({ code: 'OPTION_INVALID', details: { option: 'cursor' } })
    }),
  )
})

it('the last page has no next, and what else the store tells stays', async () => {
  const told = await pageOf(
    'alerts',
    [],
    { limit: 1 },
    async () => ({ items: [1], next: null, beyondCap: 7 }),
    String,
  )
  expect(told).toEqual({ items: ['1'], next: null, beyondCap: 7 })
})

const series = encodeURIComponent(SERIES)
const channel = encodeURIComponent(CHANNEL)

it.each([
  ['/v1/alerts?', ['type=onset', 'severity=high', 'state=open', `channel=${channel}`, 'all=true']],
  ['/v1/series?', [`channel=${channel}`, 'measure=posts']],
  [`/v1/series/${series}/counts?`, ['resolution=3600', 'from=2024-02-05T00:00:00Z']],
  [`/v1/series/${series}/signals?`, ['resolution=3600', 'to=2024-02-05T00:00:00Z']],
  [`/v1/channels/${channel}/casts?`, ['from=2024-02-05T00:00:00Z']],
  ['/v1/gaps?', [`channel=${channel}`, 'to=2024-02-05T00:00:00Z']],
  ['/v1/ops/requests?', [`channel=${channel}`, 'from=2024-02-05T00:00:00Z']],
])('%s refuses a cursor of another filter or run, and takes another limit', async (url, filters) => {
  const { app, store } = await testApi()
  const { next } = (await app.inject(url)).json()
  const ask = (more: string) => app.inject(`${url}cursor=${encodeURIComponent(next)}&${more}`)
  for (const more of [...filters, 'run=history']) {
    const answer = await ask(more)
    expect([more, answer.statusCode]).toEqual([more, 400])
    expect(answer.json().errors).toMatchObject([
      { name: 'cursor', detail: expect.stringContaining('filters') },
    ])
  }
  expect((await ask('limit=7')).statusCode).toBe(200)
  expect(store.asked.at(-1)!.at(-1)).toEqual({ limit: 7, cursor: 'next-page' })
  await app.close()
})
