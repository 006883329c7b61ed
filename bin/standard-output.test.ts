/** What becomes of a process whose output nobody takes. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const MODULE = fileURLToPath(new URL('standard-output.ts', import.meta.url))
/** Prints twice, with time between for the first to fail, and then says on standard error that it got so far. */
const PROGRAM = `
  import { outliveOutput } from ${JSON.stringify(MODULE)}
  outliveOutput()
  for (const n of [1, 2]) {
    process.stdout.write(n + 'x'.repeat(200_000) + '\\n')
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  process.stderr.write('lives\\n')
`
const shell = (to: string) =>
  promisify(execFile)('sh', [
    '-c',
    `{ "$0" --disable-warning=ExperimentalWarning --input-type=module -e "$1"; echo "code $?" >&2; } ${to}`,
    process.execPath,
    PROGRAM,
  ])

test.skipIf(process.platform !== 'linux')(
  'on a full disk it goes on, says once that it could not print, and ends with 4',
  async () => {
    const { stderr } = await shell('> /dev/full')
    expect(stderr).toMatch(/^fcm: What this prints can't be written: ENOSPC: [^\n]*\nlives\ncode 4\n$/)
  },
)

test('into a pipe that nobody reads any more it goes on and says nothing', async () => {
  const { stdout, stderr } = await shell('| head -c 1')
  expect({ stdout, stderr }).toEqual({ stdout: '1', stderr: 'lives\ncode 0\n' })
})
