/** Embedded logs in directories of their own. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EventLog } from '../port.ts'
import { type EmbeddedLog, type EmbeddedOptions, openEmbeddedLog } from './embedded.ts'

/** Closed, and their directories removed, after each test of a file that says `afterEach(closeOpened)`. */
const dirs: string[] = []
const logs: EventLog[] = []
export async function closeOpened(): Promise<void> {
  for (const log of logs.splice(0)) await log.close()
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true })
}

export function newDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'fcm-log-'))
  dirs.push(dir)
  return dir
}
export async function open(dir: string, options?: EmbeddedOptions): Promise<EmbeddedLog> {
  const log = await openEmbeddedLog(dir, options)
  logs.push(log)
  return log
}
