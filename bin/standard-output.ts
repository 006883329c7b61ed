/**
 * What is written to standard output and error may not arrive: who reads it has seen enough (head, less), or it goes to a
 * file on a full disk. Without a listener either would end the process with a stack, a monitor that runs for weeks as well.
 */

/** Said once on standard error where standard output can't be written; the process goes on, and ends with 4. */
export function outliveOutput(): void {
  process.stdout.on('error', ({ code, message }: NodeJS.ErrnoException) => {
    if (code === 'EPIPE' || process.exitCode !== undefined) return
    process.exitCode = 4
    process.stderr.write(`fcm: What this prints can't be written: ${message}. It is not whole.\n`)
  })
  process.stderr.on('error', () => {})
}
