/**
 * Runs every command that the documentation shows, in the order in which it stands there, as a reader would. A block of
 * `sh` is run line by line; a block of `sh start` starts something that stays, until the file's commands have been run.
 */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const FILES = ['README.md', 'CONTRIBUTING.md', 'docs/operations.md', 'docs/api.md']
/** These CI runs itself, before this. */
const RUN_ALREADY = new Set(['npm ci', 'npm test', 'npm run lint', 'npm run typecheck'])
const IS_UP = /^Live: /m
const PATIENCE_MS = 180_000

type Block = { file: string; stays: boolean; lines: string[] }

const blocksOf = (file: string): Block[] =>
  [...readFileSync(join(ROOT, file), 'utf8').matchAll(/^```sh( start)?\n([\s\S]*?)^```$/gm)].map(
    ([, stays, text]) => ({
      file,
      stays: stays !== undefined,
      lines: text!.trim().split('\n'),
    }),
  )

const dir = mkdtempSync(join(tmpdir(), 'fcm-docs-'))
const env = { ...process.env, FCM_DATA_DIR: dir }

/** Resolves when it is up; ends it with Ctrl-C. */
async function start(command: string): Promise<() => Promise<number | null>> {
  const child = spawn('bash', ['-c', command], {
    cwd: ROOT,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
  let said = ''
  const isUp = new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${command} was not up in time`)), PATIENCE_MS)
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text
      process.stdout.write(text)
      if (!IS_UP.test(said)) return
      clearTimeout(timer)
      resolve()
    })
    void ended.then((code) => reject(new Error(`${command} ended with ${code}`)))
  })
  await isUp
  return () => {
    // To the whole group, as a terminal does.
    process.kill(-child.pid!, 'SIGINT')
    return ended
  }
}

function run(command: string): boolean {
  process.stdout.write(`$ ${command}\n`)
  const { status, stdout } = spawnSync('bash', ['-c', command], {
    cwd: ROOT,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines = stdout.toString().split('\n')
  process.stdout.write(
    `${lines.slice(0, 6).join('\n')}\n${lines.length > 7 ? `... ${lines.length} lines\n` : ''}`,
  )
  return status === 0
}

let count = 0
const failed: string[] = []
for (const file of FILES) {
  let stop: (() => Promise<number | null>) | undefined
  for (const { stays, lines } of blocksOf(file)) {
    for (const line of lines) {
      const command = line.replace(/^npm ci && /, '')
      if (RUN_ALREADY.has(command)) continue
      count++
      if (stays) {
        process.stdout.write(`$ ${command}\n`)
        stop = await start(command)
      } else if (!run(command)) failed.push(`${file}: ${command}`)
    }
  }
  const code = await stop?.()
  if (code) failed.push(`${file}: what it started ended with ${code}`)
}
rmSync(dir, { recursive: true })

process.stdout.write(`\n${count - failed.length} of ${count} commands shown in the documentation hold.\n`)
for (const what of failed) process.stdout.write(`It does not hold: ${what}\n`)
process.exitCode = failed.length > 0 || count === 0 ? 1 : 0
