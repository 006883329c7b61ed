import fc from 'fast-check'
import type { TSchema } from 'typebox'
import { Check } from 'typebox/value'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testApi } from '../testing.ts'
import * as alerts from './alerts.ts'
import * as channels from './channels.ts'
import { nameSchemas, TAGS } from './document.ts'
import * as ops from './ops.ts'
import { Problem } from './problem.ts'
import { parseTime } from './schema.ts'
import * as series from './series.ts'
import * as source from './source.ts'

type Named = TSchema & { title: string; examples: unknown[] }
const contracts = [alerts, channels, ops, series, source, { Problem }]
  .flatMap((module) => Object.values(module as Record<string, unknown>))
  .filter((value): value is Named => typeof value === 'object' && value !== null && 'examples' in value)

describe('contracts', () => {
  it.each(contracts.map((contract) => [contract.title, contract] as const))(
    '%s has an example that fits',
    (_, contract) => {
      expect(contract.examples.length).toBeGreaterThan(0)
      for (const example of contract.examples) {
        expect(Check(contract, example)).toBe(true)
        const members = Object.keys((contract as unknown as { properties: object }).properties)
        expect(Object.keys(example as object).filter((name) => !members.includes(name))).toEqual([])
      }
    },
  )

  it('has one of each name', () => {
    const names = contracts.map(({ title }) => title)
    expect(names.length).toBeGreaterThan(20)
    expect(new Set(names).size).toBe(names.length)
  })
})

describe('the OpenAPI document', () => {
  let api: Awaited<ReturnType<typeof testApi>>
  let document: {
    servers: unknown[]
    tags: { name: string }[]
    paths: Record<string, Record<string, { tags: string[]; responses: Record<string, { content: object }> }>>
    components: { schemas: Record<string, { examples?: unknown[] }> }
  }
  beforeAll(async () => {
    api = await testApi()
    document = (await api.app.inject('/docs/json')).json()
  })
  afterAll(() => api.app.close())

  it('has every contract once, by its name, with its example', () => {
    const names = Object.keys(document.components.schemas)
    // The stream alone says it, whose answer is no JSON.
    const expected = contracts.map(({ title }) => title).filter((name) => name !== 'AlertChange')
    expect(names).toEqual(expected.sort())
  })

  it('has an example of each answer, or of what it is made of', () => {
    for (const [path, { get }] of Object.entries(document.paths)) {
      const { content } = get!.responses['200']!
      const [{ schema, example }] = Object.values(content) as [{ schema: object; example?: object }]
      const inner = [...JSON.stringify(schema).matchAll(/schemas\/(\w+)"/g)].map(([, name]) => name!)
      const examples = inner.map((name) => document.components.schemas[name]!.examples)
      if ('application/json' in content)
        expect([path, example ?? examples[0]]).toEqual([path, expect.anything()])
    }
  })

  it('resolves all that it refers to', () => {
    const told = JSON.stringify(document)
    const refs = new Set(
      [...told.matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name!),
    )
    expect(refs.size).toBeGreaterThan(20)
    expect([...refs].filter((name) => !document.components.schemas[name])).toEqual([])
    expect([...told.matchAll(/"\$ref":"(?!#\/components\/schemas\/\w+")/g)]).toEqual([])
  })

  it('says where it is served, and what its tags are of', () => {
    expect(document.servers).toHaveLength(1)
    expect(document.tags).toEqual(TAGS)
    const used = Object.values(document.paths).flatMap((by) => Object.values(by).flatMap(({ tags }) => tags))
    expect([...new Set(used)].sort()).toEqual(TAGS.map(({ name }) => name).sort())
  })

  it('has no form of text that only this program knows', () => {
    const formats = [...JSON.stringify(document).matchAll(/"format":"([^"]+)"/g)].map(([, format]) => format)
    expect([...new Set(formats)]).toEqual(['date-time'])
    expect(JSON.stringify(document)).not.toContain('/admin')
  })

  it('names what is nested, too', () => {
    const inner = { title: 'Inner', type: 'string' }
    const outer = {
      title: 'Outer',
      properties: { one: inner, many: { items: inner } },
      examples: [{ title: 'x' }],
    }
    expect(nameSchemas({ paths: { x: [outer] } })).toEqual({
      paths: { x: [{ $ref: '#/components/schemas/Outer' }] },
      components: {
        schemas: {
          Inner: { type: 'string' },
          Outer: {
            properties: {
              one: { $ref: '#/components/schemas/Inner' },
              many: { items: { $ref: '#/components/schemas/Inner' } },
            },
            examples: [{ title: 'x' }],
          },
        },
      },
    })
  })
})

describe('the time form', () => {
  it('reads back what it writes, and nothing that is not a time', () => {
    const most = Date.UTC(9999, 11, 31)
    fc.assert(
      fc.property(fc.integer({ min: 0, max: most }), (ms) => {
        expect(parseTime(new Date(ms).toISOString())).toBe(ms)
      }),
    )
    for (const text of [
      '',
      '2024-02-05',
      '2024-02-05T00:05Z',
      '2024-13-01T00:00:00Z',
      '2024-02-05T24:00:00Z',
      '1969-12-31T23:59:59Z',
      '2024-02-05 00:05:00Z',
      '2024-02-05T00:05:00',
    ]) {
      expect([text, parseTime(text)]).toEqual([text, null])
    }
  })
})
