import { expect, test } from 'vitest'
import { ROLES } from '../../pipeline/topology.ts'
import { hasBegun, lagFinding, workFinding } from './work.ts'

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
