import { type Client, connect } from '../app/client.ts'
import type { Config } from '../app/config.ts'
import { NO_CHANNEL } from '../schemas/records.ts'
import { table } from './table.ts'

/** Rows of the table: one for each item, or made of all of them. `after`: what stands behind the table. */
export type Look<Item> = {
  columns: readonly string[]
  empty: string
  after?(client: Client): Promise<string>
  /** What the items say of how things are: sets the exit code. */
  check?(items: Item[], client: Client): Promise<void>
} & ({ row(item: Item): unknown[] } | { rows(items: Item[]): unknown[][] })

/** Asks a route that answers with a list, page by page, and prints it whole: as a table, or as JSON. */
export async function list<Item>(
  config: Config,
  json: boolean | undefined,
  path: string,
  look: Look<Item>,
): Promise<void> {
  const client = await connect(config)
  try {
    const items = await allOf<Item>(client, path)
    await look.check?.(items, client)
    if (json) {
      process.stdout.write(`${JSON.stringify(items, null, 2)}\n`)
      return
    }
    const rows = 'rows' in look ? look.rows(items) : items.map(look.row)
    process.stdout.write(table(look.columns, rows, look.empty))
    if (look.after) process.stdout.write(await look.after(client))
  } finally {
    await client.close()
  }
}

/** How a channel is called in a table. */
export const channelName = (id: string): string => (id === NO_CHANNEL ? '(no channel)' : id)

/** Those options that were given. */
export const given = (options: Record<string, string | undefined>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(options).filter((option): option is [string, string] => option[1] !== undefined),
  )

async function allOf<Row>(client: Client, path: string): Promise<Row[]> {
  const rows: Row[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page: { items: Row[]; next: string | null } = await client.json({
      path:
        cursor === '' ? path : `${path}${path.includes('?') ? '&' : '?'}cursor=${encodeURIComponent(cursor)}`,
    })
    // Not all at once as arguments: there may be more than a call takes.
    for (const row of page.items) rows.push(row)
    cursor = page.next
  }
  return rows
}
