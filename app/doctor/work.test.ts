import { expect, test } from 'vitest'
import { DAY, HOUR, MINUTE } from '../../common/time.ts'
import { ROLES } from '../../pipeline/topology.ts'
import { hasBegun, lagFinding, sourceFinding, workFinding } from './work.ts'

test('nobody at work is broken once there is something to go on with', () => {
  expect(workFinding([], true)).toMatchObject({
    state: 'broken',
    found: expect.stringMatching(/^none is at work/),
  })
  expect(workFinding([], false)).toMatchObject({ state: 'attention' })
  expect(workFinding(ROLES, true)).toMatchObject({ state: 'ok' })
})

test('a role that is missing is named, with how to start it', () => {
  const others = ROLES.filter((role) => role !== 'detect')
  expect(workFinding(others, true)).toMatchObject({
    ...{ state: 'broken', found: 'detect is not at work' },
    mend: expect.stringContaining('`fcm run detect`'),
  })
})

test('lag is told by the oldest record that waits', () => {
  const row = (seconds: number, records = 1) => ({ end: 10, records, seconds })
  expect(lagFinding([row(60), row(3, 4)])).toMatchObject({ state: 'ok', found: '5 records, 60 s' })
  expect(lagFinding([row(61)])).toMatchObject({ state: 'attention' })
  expect(lagFinding([row(3), row(601)])).toMatchObject({ state: 'broken' })
  expect(lagFinding([])).toMatchObject({ state: 'ok', found: '0 records, 0 s' })
  expect([hasBegun([]), hasBegun([row(0)]), hasBegun([{ ...row(0), end: 0 }])]).toEqual([false, true, false])
})

test('a source polls while its last round is no older than three intervals', () => {
  const round = {
    ...{ at: '2026-01-05T12:00:00Z', requests: 40, failed: 0, error: null, complete: [] },
    next: '2026-01-05T12:05:00Z',
  }
  const at = Date.parse(round.at)
  const state = (now: number | null, polls: object = {}, interval = 5 * MINUTE) =>
    sourceFinding({ ...{ round, followed: 3, failing: 1 }, ...polls }, now, interval)
  expect(state(at + 15 * MINUTE)).toMatchObject({ state: 'ok' })
  expect(state(at + 16 * MINUTE)).toMatchObject({
    ...{ state: 'broken', found: expect.stringMatching(/of 2026-01-05T12:00:00Z, and .*it does not poll/) },
    mend: expect.stringContaining('what it waits for'),
  })
  // What last went wrong is not what is wrong now.
  const failed = { round: { ...round, failed: 4, error: 'HTTP 500' } }
  expect(state(at + DAY, failed)).toMatchObject({ found: expect.stringContaining('does not poll') })
  expect(state(at + MINUTE, failed)).toMatchObject({
    ...{ state: 'attention', mend: expect.stringMatching(/^HTTP 500\. .*1 failing/) },
  })
  expect(state(at, { followed: 0 })).toMatchObject({ state: 'broken' })
  // Either may have the longer interval: who asks, or the source.
  expect(state(at + 2 * HOUR, {}, HOUR)).toMatchObject({ state: 'ok' })
  expect(state(at + 2 * HOUR, { round: { ...round, next: '2026-01-05T13:00:00Z' } })).toMatchObject({
    state: 'ok',
  })
  // A clock that was set back stands before what it has dated.
  expect(state(at - MINUTE)).toMatchObject({ state: 'ok' })
  expect(state(at - 2 * MINUTE)).toMatchObject({ state: 'broken' })
  // A simulated clock says nothing of ours.
  expect(state(null)).toMatchObject({ state: 'ok' })
})
