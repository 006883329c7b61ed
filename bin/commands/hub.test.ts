import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command, CommanderError } from 'commander'
import { afterAll, describe, expect, it } from 'vitest'
import { FcmError } from '../../common/errors.ts'
import { hub } from './hub.ts'

const FCM = fileURLToPath(new URL('../fcm.js', import.meta.url))
const dir = mkdtempSync(join(tmpdir(), 'fcm-hub-'))
const children: ChildProcess[] = []
afterAll(() => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(dir, { recursive: true })
})

/** `fcm hub` with a standard input that stays open; resolves when it listens. */
async function start(...args: string[]) {
  const child = spawn(process.execPath, [FCM, 'hub', '--port', '0', ...args], { stdio: 'pipe' })
  children.push(child)
  const ended = new Promise<number | null>((resolve) => child.on('exit', resolve))
  let stderr = ''
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout.setEncoding('utf8').once('data', resolve)
    void ended.then((code) => reject(new Error(`ended with ${code}: ${stderr}`)))
  })
  const [, url] = /^Hub: (http:\/\/127\.0\.0\.1:\d+) \(.*\)\n$/.exec(line) ?? []
  return { child, line, url: url!, ended, stderr: () => stderr }
}

/** What it says to these options without having started. */
async function refusal(args: string[]): Promise<string> {
  let said = ''
  const write = (text: string) => {
    said += text
  }
  const program = new Command().exitOverride().configureOutput({ writeErr: write, writeOut: write })
  hub(program)
  const outcome = program.parseAsync(['hub', ...args], { from: 'user' })
  const error = await outcome.then(
    () => new Error('it started'),
    (error: Error) => error,
  )
  if (error instanceof FcmError) said += error.message
  else if (!(error instanceof CommanderError)) throw error
  return said
}

const cast = (n: number) =>
  JSON.stringify({
    data: { type: 'MESSAGE_TYPE_CAST_ADD', fid: 1, timestamp: n, castAddBody: { text: `${n}` } },
    hash: `0x${n.toString(16).padStart(40, '0')}`,
  })

describe('fcm hub', () => {
  it('serves the simulation, driven, and ends when its standard input does', async () => {
    const { line, url, child, ended } = await start('--driven', '--seed', '3')
    expect(line).toContain('(seed 3; its clock is driven)')
    expect((await fetch(`${url}/v1/info`)).status).toBe(503)
    const body = JSON.stringify({ now: Date.UTC(2026, 0, 5, 1) })
    expect((await fetch(`${url}/clock`, { method: 'PUT', body })).status).toBe(200)
    expect(await (await fetch(`${url}/v1/info`)).json()).toMatchObject({ numShards: 2 })
    child.stdin.end()
    expect(await ended).toBe(0)
  })

  it('serves an archive, from a time on, with faults, until it is stopped', async () => {
    const archive = join(dir, 'casts.ndjson')
    writeFileSync(archive, [cast(1), cast(2), 'oops', cast(86400)].join('\n'))
    const served = await start(
      ...['--archive', archive, '--at', '2021-01-01T12:00:00Z', '--speed', '0'],
      ...['--fault', '429,match=castsByMention', '--fault', 'cut,match=castById'],
    )
    expect(served.line).toContain(
      `(archive ${archive}, 3 messages; from 2021-01-01T12:00:00Z at 0 x the wall clock)`,
    )
    expect(served.stderr()).toContain('1 line is no message that a hub serves: left out.')
    expect(await (await fetch(`${served.url}/v1/castsByFid?fid=1&reverse=true`)).text()).toBe(
      `{"messages":[${cast(2)},${cast(1)}],"nextPageToken":""}`,
    )
    expect((await fetch(`${served.url}/v1/castsByMention?fid=1`)).status).toBe(429)
    served.child.kill('SIGTERM')
    expect(await served.ended).toBe(0)
  })

  it.each([
    [['--fault', 'nope'], /"nope" is no kind of fault/],
    [['--driven', '--at', '2026-01-01'], /'--driven' cannot be used with option '--at/],
    [['--archive', 'none.ndjson', '--seed', '5'], /'--archive <file...>' cannot be used with option '--seed/],
    [['--archive', 'none.ndjson'], /Can't read none.ndjson: there is no such file/],
    [['--at', 'noon'], /--at "noon": must be a time in UTC/],
    [['--speed', '-1'], /--speed "-1"/],
    [['--errors', 'mine'], /Allowed choices are snapchain, hubble/],
  ])('%s is refused in words', async (args, words) => {
    expect(await refusal(args)).toMatch(words)
  })

  it('shows an example', async () => {
    expect(await refusal(['--help'])).toMatch(/Examples:\n {2}npx fcm hub/)
  })
})
