#!/usr/bin/env -S node --disable-warning=ExperimentalWarning
// Plain JavaScript, so that an older Node gets as far as being told what it lacks.
const [major, minor] = process.versions.node.split('.').map(Number)
if (major > 22 || (major === 22 && minor >= 18)) await import('./fcm.ts')
else {
  process.stderr.write(
    `fcm: this is Node ${process.versions.node}, and it takes 22.18 or later. ` +
      'Run `npm ci`, which brings it, and then `npx fcm`.\n',
  )
  process.exitCode = 3
}
