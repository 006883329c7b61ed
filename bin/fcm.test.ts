/** How the program is started, by whichever Node and whatever is around it, and that it ends when it is told to. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, describe, expect, onTestFinished, test } from 'vitest'
import { FCM, fcm, temporaryDir } from '../app/testing.ts'
import { dataDirIn, here } from './testing.ts'

const { dir, remove } = temporaryDir()
afterAll(remove)

const ENV = { PATH: process.env.PATH, HOME: process.env.HOME }
/** Makes a Node say that it is another. */
const older =
  'data:text/javascript,Object.defineProperty(process,"versions",{value:{...process.versions,node:"20.19.0"}})'

function byNode20(program: string, ...args: string[]) {
  const child = spawn(process.execPath, ['--import', older, program, ...args], { env: ENV })
  onTestFinished(() => void child.kill('SIGKILL'))
  const ended = Promise.all([once(child, 'close'), text(child.stdout), text(child.stderr)])
  return { child, ended }
}
const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

test.each(['constructor', '__proto__', 'toString', 'hasOwnProperty'])('%s is no command', async (name) => {
  const { code, stderr } = await fcm([name])
  expect(stderr).toContain(`unknown command '${name}'`)
  expect(code).toBe(2)
})

describe('a Node that is too old', () => {
  test('goes on as the one that comes with the packages, with its exit code and its signals', async () => {
    const [[version], said] = await byNode20(FCM, '--version').ended
    expect([version, said]).toEqual([0, expect.stringMatching(/^\d+\.\d+\.\d+\n$/)])
    expect((await byNode20(FCM, 'strat').ended)[0]).toEqual([2, null])

    const { child, ended } = byNode20(FCM, 'hub', '--port', '0')
    await once(child.stdout, 'data')
    child.kill('SIGTERM')
    expect((await ended)[0]).toEqual([0, null])
  })

  test('without it, the command is named that brings it', async () => {
    const clone = join(dir, 'clone')
    mkdirSync(join(clone, 'bin'), { recursive: true })
    cpSync(FCM, join(clone, 'bin', 'fcm.js'))
    const refused = async () => {
      const [[code], , stderr] = await byNode20(join(clone, 'bin', 'fcm.js'), 'start').ended
      expect([code, stderr]).toEqual([3, expect.stringContaining('this is Node 20.19.0, and it takes 22.18')])
      return stderr
    }
    expect(await refused()).toContain('Run `npm ci`')
    // As `npm ci --ignore-scripts` leaves it.
    mkdirSync(join(clone, 'node_modules', 'node'), { recursive: true })
    expect(await refused()).toContain('Run `npm rebuild node --ignore-scripts=false`')
  })
})

/** Says when the program proper is loaded, and takes its time for that, as a busy machine does. */
const slowly =
  `data:text/javascript,import { registerHooks } from "node:module"; import { writeSync } from "node:fs"; registerHooks({ resolve(name, context, next) {
  if (name === "./fcm.ts") { writeSync(1, "loading"); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1500) }
  return next(name, context)
} })`.replaceAll('\n', '')

test.each([
  ['at work', [], /"role":"count"/],
  ['that is only starting', ['--import', slowly], /loading/],
  ['by a Node that is too old', ['--import', older], /"role":"count"/],
])('under npm, a process %s whose parent is gone stops, and leaves no lock', async (who, node, said) => {
  const data = dataDirIn(dir, who)
  const words = [process.execPath, '--disable-warning=ExperimentalWarning', ...node, FCM]
  const command = `${words.map((word) => `'${word}'`).join(' ')} run count --data-dir "${data}" & echo $! >&2; wait`
  const shell = spawn('sh', ['-c', command], { env: { ...ENV, npm_lifecycle_event: 'npx' } })
  onTestFinished(() => void shell.kill('SIGKILL'))
  const pid = await once(shell.stderr.setEncoding('utf8'), 'data').then(([line]) => Number.parseInt(line, 10))
  onTestFinished(() => void (isAlive(pid) && process.kill(pid, 'SIGKILL')))
  // Whatever has it open is alive.
  const ended = once(shell.stdout, 'close')
  const heard: string[] = []
  shell.stdout.setEncoding('utf8').on('data', (text) => heard.push(text))
  await expect.poll(() => heard.join('')).toMatch(said)
  shell.kill('SIGKILL')
  await ended
  expect(await here(['lag', '--data-dir', data])).toMatchObject({
    stderr: expect.not.stringContaining('in use'),
  })
})

test('what nobody under npm has started goes on without its parent', async () => {
  const command = `"${process.execPath}" --disable-warning=ExperimentalWarning "${FCM}" hub --port 0 & echo $! >&2; wait`
  const shell = spawn('sh', ['-c', command], { env: ENV })
  onTestFinished(() => void shell.kill('SIGKILL'))
  const [line] = await once(shell.stderr.setEncoding('utf8'), 'data')
  const pid = Number(line)
  onTestFinished(() => void (isAlive(pid) && process.kill(pid, 'SIGKILL')))
  await once(shell.stdout, 'data')
  shell.kill('SIGKILL')
  await once(shell, 'exit')
  await new Promise((resolve) => setTimeout(resolve, 1500))
  expect(isAlive(pid)).toBe(true)
})
