#!/usr/bin/env -S node --disable-warning=ExperimentalWarning
// Plain JavaScript, so that a Node too old, or a clone without its packages, gets as far as being told what it lacks.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

// At once: the parent may have ended before anybody else looks (`app/stopping.ts`).
process.env.FCM_PARENT = String(process.ppid)

const [major, minor] = process.versions.node.split('.').map(Number)
const NODE = fileURLToPath(new URL('../node_modules/node', import.meta.url))
const BINARY = `${NODE}/bin/node`
// A setting, too, may be why its script did not run.
const REBUILD = 'npm rebuild node --ignore-scripts=false'

if (major > 22 || (major === 22 && minor >= 18)) {
  await import('./fcm.ts').catch((error) => {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error
    lacks('its packages are not installed', 'npm ci')
  })
} else if (existsSync(BINARY)) runBy(BINARY)
else {
  // What `npm ci --ignore-scripts` leaves.
  const isEmpty = existsSync(NODE)
  const old = `this is Node ${process.versions.node}, and it takes 22.18 or later`
  lacks(isEmpty ? `${old}, whose package is there without its program` : old, isEmpty ? REBUILD : 'npm ci')
}

/**
 * Runs this as the Node that comes with the packages. A terminal tells its signals both; what is sent to us alone goes on, and
 * under npm the end of what started us.
 */
function runBy(/** @type {string} */ node) {
  const child = spawn(node, ['--disable-warning=ExperimentalWarning', ...process.argv.slice(1)], {
    stdio: 'inherit',
    env: { ...process.env, FCM_ENDS_WITH_PARENT: '1' },
  })
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.on(signal, () => {
      clearInterval(watching)
      if (signal === 'SIGTERM' || !process.stdin.isTTY) child.kill(signal)
    })
  }
  const watching = setInterval(() => {
    if (process.env.npm_lifecycle_event === undefined || String(process.ppid) === process.env.FCM_PARENT)
      return
    clearInterval(watching)
    child.kill()
  }, 500).unref()
  child.on('error', ({ message }) => lacks(`${node} can't be run (${message})`, REBUILD))
  child.on('exit', (code, signal) => {
    if (signal) {
      process.removeAllListeners(signal)
      process.kill(process.pid, signal)
    } else process.exitCode = code ?? 1
  })
}

function lacks(/** @type {string} */ what, /** @type {string} */ command) {
  process.stderr.write(`fcm: ${what}. Run \`${command}\`, which brings it, and then \`npx fcm\`.\n`)
  process.exitCode = 3
}
