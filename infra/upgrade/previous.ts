/** The program as it was released before, from this repository's history: what an upgrade has to go on from. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** The release whose data directories and deployments this one goes on with. */
export const PREVIOUS = '1695690519cb6953cb55e3b88027f37792a77b9d'

export type Previous = {
  /** Its entry point, to be started with Node. */
  fcm: string
  remove(): void
}

/** Null, with why: a clone without its history has no earlier release. Its packages are those of today. */
export function previousRelease(): Previous | null {
  const dir = mkdtempSync(join(tmpdir(), 'fcm-previous-'))
  const remove = () => rmSync(dir, { recursive: true, force: true })
  try {
    const archive = execFileSync('git', ['archive', '--format=tar', PREVIOUS], {
      cwd: ROOT,
      maxBuffer: 2 ** 28,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    execFileSync('tar', ['-x', '-C', dir], { input: archive })
  } catch (error) {
    remove()
    if (process.env.CI) throw error
    process.stderr.write(`Skipped, upgrades: commit ${PREVIOUS.slice(0, 7)} is not in this clone.\n`)
    return null
  }
  symlinkSync(join(ROOT, 'node_modules'), join(dir, 'node_modules'))
  return { fcm: join(dir, 'bin', 'fcm.js'), remove }
}
