import { type Client, connect } from './client.ts'
import type { Config } from './config.ts'
import { table } from './table.ts'

export type Look<Row> = { columns: readonly string[]; row(row: Row): unknown[]; empty: string }

/**
 * Asks a route that answers with a list, page by page, and prints it whole: as a table, or as JSON. `after`: what stands
 * behind a table that has rows.
 */
export async function list<Row>(
  config: Config,
  json: boolean | undefined,
  path: string,
  look: Look<Row> & { merge?(rows: Row[]): Row[]; after?(client: Client): Promise<string> },
): Promise<void> {
  const client = await connect(config)
  try {
    const items = await allOf<Row>(client, path)
    if (json) {
      process.stdout.write(`${JSON.stringify(items, null, 2)}\n`)
      return
    }
    const rows = look.merge?.(items) ?? items
    process.stdout.write(table(look.columns, rows.map(look.row), look.empty))
    if (rows.length > 0 && look.after) process.stdout.write(await look.after(client))
  } finally {
    await client.close()
  }
}

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
