/** Runs `fcm` as its users do, for tests. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { putDatabase } from '../connectors/postgres/made.fixture.ts'
import { connect } from './client.ts'
import { readConfig } from './config.ts'

export const FCM = fileURLToPath(new URL('../bin/fcm.js', import.meta.url))

export type Ended = { code: number | null; stdout: string; stderr: string }

/** A process under test; `ended` resolves when it has. */
export function spawnFcm(args: string[], env: Record<string, string> = {}) {
  const child: ChildProcess = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', FCM, ...args],
    {
      // Settings of whoever runs the tests must not leak in.
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  const said = { stdout: '', stderr: '' }
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    said.stdout += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said.stderr += text
  })
  const holds = (stream: 'stdout' | 'stderr', text: string | RegExp) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        if (said[stream].match(text)) resolve()
      }
      child[stream]?.on('data', look)
      look()
      void ended.then(({ stderr }) => reject(new Error(`It ended without saying ${text}: ${stderr}`)))
    })
  const ended = new Promise<Ended>((resolve) => child.on('close', (code) => resolve({ code, ...said })))
  return {
    pid: child.pid!,
    ended,
    said,
    kill: (signal: NodeJS.Signals) => child.kill(signal),
    /** Resolves when standard output holds `text`; rejects when the process ends without. */
    says: (text: string | RegExp) => holds('stdout', text),
    /** The same of standard error. */
    warns: (text: string | RegExp) => holds('stderr', text),
  }
}

export const fcm = (args: string[], env?: Record<string, string>): Promise<Ended> => spawnFcm(args, env).ended

export function temporaryDir(): { dir: string; remove(): void } {
  const dir = mkdtempSync(join(tmpdir(), 'fcm-'))
  return { dir, remove: () => rmSync(dir, { recursive: true, force: true }) }
}

/** A data directory with a database that has no rows. Whoever begins without one tests that it is made, and takes seconds. */
export function dataDir(): { dir: string; remove(): void } {
  const made = temporaryDir()
  putDatabase(made.dir)
  return made
}

/** The exports of a data directory, as the commands give them; `query` as the API takes it. */
export async function openExports(dir: string) {
  // Settings of whoever runs the tests must not leak in.
  const client = await connect(readConfig({ dataDir: dir }, {}))
  return {
    read: async (what: 'counts' | 'signals' | 'alerts', query: Record<string, string>): Promise<string> =>
      text(await client.stream({ path: `/v1/export/${what}?${new URLSearchParams(query)}` })),
    close: client.close,
  }
}

/** All that a run has to say; `filters`: the commands' flags, each with its value. */
export async function exportsOf(
  dir: string,
  run = 'live',
  ...filters: string[]
): Promise<Record<string, string>> {
  const query: Record<string, string> = { run, format: 'csv' }
  for (let i = 0; i < filters.length; i += 2) query[filters[i]!.slice('--'.length)] = filters[i + 1]!
  const { read, close } = await openExports(dir)
  try {
    const exports: Record<string, string> = {}
    for (const what of ['counts', 'signals', 'alerts'] as const) exports[what] = await read(what, query)
    return exports
  } finally {
    await close()
  }
}
