#!/usr/bin/env -S node --disable-warning=ExperimentalWarning
// Plain JavaScript, so that a Node too old, or a clone without its packages, gets as far as being told what it lacks.
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 18)) {
  lacks(`this is Node ${process.versions.node}, and it takes 22.18 or later`)
} else {
  await import('./fcm.ts').catch((error) => {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error
    lacks('its packages are not installed')
  })
}

/** @param {string} what */
function lacks(what) {
  process.stderr.write(`fcm: ${what}. Run \`npm ci\`, which brings it, and then \`npx fcm\`.\n`)
  process.exitCode = 3
}
