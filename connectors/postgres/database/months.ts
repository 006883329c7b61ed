/**
 * What grows with time stands in tables of a month each: rows of run `live` in the month in which they are stored, rows of
 * named runs in month 0, which is kept until the run is deleted.
 */
import type { Query } from './database.ts'

/** Of rows that no month is for. */
export const NO_MONTH = 0

/** The month of a time in ms, UTC: year x 12 + month, which is 0 in January. */
export function monthOf(time: number): number {
  const date = new Date(time)
  return date.getUTCFullYear() * 12 + date.getUTCMonth()
}

/** When a month begins, in ms. */
export const beginOf = (month: number): number => Date.UTC(Math.floor(month / 12), month % 12)

/** Whole months that are kept beside the one under way: the log keeps what they are made from for as long. */
export const KEPT_MONTHS = 12

/** Makes a month's tables where they are missing; `made`: months that need not be asked for again. */
export async function makeMonth(query: Query, month: number, made = new Set<number>()): Promise<void> {
  if (month === NO_MONTH || made.has(month)) return
  await query('SELECT make_month($1)', [month])
  made.add(month)
}
