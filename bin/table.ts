/** What lists look like on a terminal. */
import { oneLine } from '../common/text.ts'

/**
 * Columns as wide as they need to be; numbers to the right. Texts may come from strangers: each stays on its line.
 * `empty`: what stands when there is no row.
 */
export function table(columns: readonly string[], rows: readonly unknown[][], empty: string): string {
  if (rows.length === 0) return `${empty}\n`
  const cells = rows.map((row) => row.map((value) => oneLine(String(value ?? ''))))
  const widths = columns.map((name, i) => Math.max(name.length, ...cells.map((row) => row[i]!.length)))
  const isNumber = columns.map((_, i) => rows.every((row) => typeof row[i] === 'number'))
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => (isNumber[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd()
  return `${[columns, ...cells].map(line).join('\n')}\n`
}
