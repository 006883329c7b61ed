/** `fcm start --mcp`: any MCP server, by the wall clock. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { here } from '../../bin/testing.ts'
import { dataDir, spawnFcm } from '../testing.ts'

const hub = spawnFcm(['hub', '--port', '0', '--seed', '2'])
let url: string

beforeAll(async () => {
  await hub.says('Hub: ')
  url = /Hub: (\S+)/.exec(hub.said.stdout)![1]!
})
afterAll(async () => {
  hub.kill('SIGKILL')
  await hub.ended
})

function start(mcp: string, ...more: string[]) {
  const { dir, remove } = dataDir()
  const running = spawnFcm(['start', '--port', '0', '--data-dir', dir, '--mcp', mcp, ...more])
  onTestFinished(async () => {
    running.kill('SIGKILL')
    await running.ended
    remove()
  })
  return { ...running, dir }
}
const OURS = () => `"${process.execPath}" bin/fcm.js mcp-server --hub ${url}`

describe('polling a server', () => {
  test('says what is wrong with what it finds there, and goes on', async () => {
    const { dir, ...running } = start(OURS(), '--follow', 'base,nowhere', '--poll-seconds', '60')
    await running.says('Live: polling every 60 s')
    // The hub's clock stands in January.
    await running.warns('there is no cast of the last days in any of 1 channels')
    await running.warns('The server lists no channel nowhere. 1 are followed')
    // A round is told of when it is stored; by then it may be the second.
    const doctor = async () => (await here(['doctor', '--data-dir', dir])).stdout
    await expect
      .poll(doctor)
      .toMatch(/ok {4}Source: the round of \S+ asked for 1 channels: [12] requests, 0 failed/)
    running.kill('SIGINT')
    expect(await running.ended).toMatchObject({ code: 0, stdout: expect.stringContaining('Stopped.') })
    const simulation = await here(['start', '--data-dir', dir, '--port', '0'])
    expect(simulation).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/holds what was polled from a server, not a simulation/),
    })
  })

  test('that is not there waits, and can be stopped', async () => {
    const running = start('http://127.0.0.1:1/mcp')
    await running.warns('does not answer')
    const asked = performance.now()
    running.kill('SIGINT')
    expect((await running.ended).code).toBe(0)
    // All of its pauses together would be endless; a busy machine needs some seconds to end a process.
    expect(performance.now() - asked).toBeLessThan(30_000)
  })

  test('that is none is refused', async () => {
    const { code, stdout, stderr } = await start('no-such-command').ended
    expect({ code, stdout }).toMatchObject({ code: 2, stdout: expect.not.stringContaining('Live') })
    expect(stderr).toMatch(/no-such-command can't be used as a Farcaster MCP server/)
  })
})
