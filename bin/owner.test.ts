/** Beside a process that owns the data directory, and what one has left. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { spawnFcm, temporaryDir } from '../app/testing.ts'
import { dataDirIn, expectExplained, here } from './testing.ts'

const { dir, remove } = temporaryDir()
afterAll(remove)

describe('beside a process that owns the data directory', () => {
  const owned = dataDirIn(dir, 'owned')
  let owner: ReturnType<typeof spawnFcm>
  beforeAll(async () => {
    owner = spawnFcm(['run', 'count', 'store', 'api', '--data-dir', owned, '--port', '0'])
    await owner.says('serving')
  })
  afterAll(async () => {
    owner.kill('SIGTERM')
    expect(await owner.ended).toMatchObject({ code: 0 })
  })

  test('a second one is refused', async () => {
    const second = await here(['start', '--data-dir', owned, '--port', '0'])
    expectExplained(second, 3, new RegExp(`is in use by process ${owner.pid}\\.`))
  })

  test('commands ask it', async () => {
    expect(await here(['runs', 'list', '--data-dir', owned])).toMatchObject({ code: 0 })
    expect((await here(['lag', '--data-dir', owned])).stdout).toMatch(/fcm.live.count/)
    expect((await here(['dead-letters', 'list', '--data-dir', owned])).stdout).toMatch(/has no dead letters/)
    expectExplained(
      await here(['export', 'counts', '--run', 'none', '--data-dir', owned]),
      2,
      /no run "none"/,
    )
    const { stdout, code } = await here(['doctor', '--data-dir', owned])
    expect(stdout).toMatch(/ok {4}Database/)
    expect(stdout).toMatch(/! {5}Roles of run live: source, sum, detect are not at work/)
    expect(code).toBe(0)
  })
})

test('what a process that was killed has left does not lead to a stranger on its port', async () => {
  const [a, b] = [dataDirIn(dir, 'a'), dataDirIn(dir, 'b')]
  const other = spawnFcm(['run', 'api', '--data-dir', b, '--port', '0'])
  await other.says('serving')
  const { url } = JSON.parse(readFileSync(join(b, 'owner.json'), 'utf8'))
  const start = ['start', '--sim-until', '2026-01-05T00:10:00Z', '--port', '0', '--data-dir', a]
  expect(await here(start)).toMatchObject({ code: 0 })
  // That process id is in use again, and so is its port.
  writeFileSync(join(a, 'owner.json'), JSON.stringify({ pid: process.pid, url, token: 'not that of b' }))
  expect((await here(['export', 'counts', '--data-dir', a])).stdout).toMatch(/casts:/)
  expect((await here(['export', 'counts', '--data-dir', b])).stdout).not.toMatch(/casts:/)
  other.kill('SIGTERM')
  expect(await other.ended).toMatchObject({ code: 0 })
})
