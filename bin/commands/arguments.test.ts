/** Names, and arguments that do not go together: refused before anything is done. */
import { CommanderError } from 'commander'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { expectReadable, HOSTILE } from '../../app/hostile.fixture.ts'
import type { FcmError } from '../../common/errors.ts'
import { refusing } from './refusal.fixture.ts'

describe('commands', () => {
  const { refusal, expectNothingMade, remove } = refusing()
  afterEach(expectNothingMade)
  afterAll(remove)

  test.each(['', '..', 'a/b', 'A', '-', 'x'.repeat(41), ...HOSTILE])(
    'backfill --run, name %#',
    async (name) => {
      const error = await refusal(['backfill', 'x', `--run=${name}`])
      expect(error).toMatchObject({ code: 'RUN_NAME_INVALID', exit: 2 })
      expect((error as FcmError).message).not.toMatch(/\n/)
    },
  )

  test.each([
    ['start', '--unknown'],
    ['start', 'extra'],
    ['start', '--seed'],
    ['run'],
    ['run', 'cook'],
    ['backfill', '--run', 'x'],
    ['backfill', 'x'],
    ['export', 'everything'],
    ['export', 'counts', '--format', 'xml'],
    ['export', 'counts', '--resolution', '2h'],
    ['hub', '--archive', 'x', '--seed', '1'],
    ['hub', '--driven', '--at', '2026-01-01'],
    ['hub', '--driven', '--speed', '2'],
    ['hub', '--errors', 'mine'],
  ])('%s %s %s %s', async (...args) => {
    const error = await refusal(args.filter((arg) => arg !== undefined))
    expect(error).toBeInstanceOf(CommanderError)
    expect((error as CommanderError).exitCode).not.toBe(0)
  })

  test.each(['--seed=3', '--speed=2', '--sim-until=1h', '--fault=cut'])(
    'start --mcp with %s',
    async (option) => {
      expectReadable(await refusal(['start', '--mcp', 'http://127.0.0.1:1/mcp', option]))
    },
  )
})
