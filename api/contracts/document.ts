/** The OpenAPI document: what the routes' schemas say, with every named schema once. */

export const TAGS = [
  { name: 'alerts', description: 'What was warned of, and what happens to it.' },
  { name: 'channels', description: 'Channels, their casts, and what was not seen of them.' },
  { name: 'series', description: 'What was counted, and what the detector made of it.' },
  { name: 'runs', description: 'The live run, and backfills.' },
  { name: 'export', description: 'All rows, as CSV or NDJSON.' },
  { name: 'ops', description: 'How the monitor itself is.' },
]

type Json = null | boolean | number | string | Json[] | { [name: string]: Json }

/**
 * Puts each schema that has a name (`title`) into the components, and a reference to it where it stood. `document` is
 * plain JSON.
 */
export function nameSchemas(document: object): object {
  const {
    paths,
    components = {},
    ...rest
  } = document as { paths?: object; components?: { schemas?: object } }
  const schemas: Record<string, Json> = {}
  const visit = (value: Json): Json => {
    if (Array.isArray(value)) return value.map(visit)
    if (value === null || typeof value !== 'object') return value
    const { title, ...members } = value
    if (typeof title === 'string') {
      schemas[title] ??= within(members)
      return { $ref: `#/components/schemas/${title}` }
    }
    return within(value)
  }
  // Examples are no schemas, whatever their members are called.
  const within = (members: Record<string, Json>): Json =>
    Object.fromEntries(
      Object.entries(members).map(([name, member]) => [
        name,
        /^examples?$/.test(name) ? member : visit(member),
      ]),
    )
  const named = visit(JSON.parse(JSON.stringify(paths ?? {})))
  const sorted = Object.fromEntries(Object.entries(schemas).sort(([a], [b]) => (a < b ? -1 : 1)))
  return {
    ...rest,
    paths: named,
    components: { ...components, schemas: { ...components.schemas, ...sorted } },
  }
}
