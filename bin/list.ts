import { connect } from './client.ts'
import type { Config } from './config.ts'
import { table } from './table.ts'

/** Asks a route that answers with a list, and prints it: as a table, or as JSON. */
export async function list<Row>(
  config: Config,
  json: boolean | undefined,
  path: string,
  look: { columns: readonly string[]; row(row: Row): unknown[]; empty: string },
): Promise<void> {
  const client = await connect(config)
  try {
    const { items } = await client.json<{ items: Row[] }>({ path })
    process.stdout.write(
      json ? `${JSON.stringify(items, null, 2)}\n` : table(look.columns, items.map(look.row), look.empty),
    )
  } finally {
    await client.close()
  }
}
