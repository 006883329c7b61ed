/**
 * How long a decision has been under way, hop by hop. Each output carries, in a header, when what led to it was given to
 * each role: `count@1700000000000 detect@1700000000012`. All times are append times of the log, in ms, so that the parts
 * add up by one clock. No result depends on it.
 */
import type { Rec } from '../log/port.ts'

const HEADER = 'trail'

/** A role, and when what it was given was appended. */
export type Step = { role: string; at: number }

/** The steps behind a record, from the source's append on, and that of `role`, which reads it. */
export function trailOf(rec: Rec, role: string): [Step, ...Step[]] {
  const before: Step[] = (rec.headers[HEADER] ?? '').split(' ').flatMap((step) => {
    const [, by, at] = /^(\w+)@(\d+)$/.exec(step) ?? []
    return by && at ? [{ role: by, at: Number(at) }] : []
  })
  const [first, ...rest] = [...before, { role, at: rec.time }]
  return [first!, ...rest]
}

/**
 * Headers for what `role` makes of a batch: the trail of the input that has been under way for longest. A stage does not
 * say which of its inputs an output came from, so that this is an upper bound: too long by at most as long as the batch
 * took to gather.
 */
export function trailHeaders(recs: readonly Rec[], role: string): Record<string, string> {
  let oldest: Step[] | undefined
  let seen: string | undefined
  for (const rec of recs) {
    // Most of a batch was appended at once, behind one and the same input.
    const id = `${rec.time} ${rec.headers[HEADER]}`
    if (id === seen) continue
    seen = id
    const steps = trailOf(rec, role)
    if (!oldest || steps[0].at < oldest[0]!.at) oldest = steps
  }
  return oldest ? { [HEADER]: oldest.map((step) => `${step.role}@${step.at}`).join(' ') } : {}
}
