/** What lists look like on a terminal. Texts may come from strangers: nothing in them may move the cursor. */
export const printable = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  text.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069]/g, '\ufffd')

/** Columns as wide as they need to be; numbers to the right. `empty`: what stands when there is no row. */
export function table(columns: readonly string[], rows: readonly unknown[][], empty: string): string {
  if (rows.length === 0) return `${empty}\n`
  const cells = rows.map((row) => row.map((value) => printable(String(value ?? ''))))
  const widths = columns.map((name, i) => Math.max(name.length, ...cells.map((row) => row[i]!.length)))
  const isNumber = columns.map((_, i) => rows.every((row) => typeof row[i] === 'number'))
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => (isNumber[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd()
  return `${[columns, ...cells].map(line).join('\n')}\n`
}
