import { createProgram, explained } from './program.ts'
import { outliveOutput } from './standard-output.ts'

const LINGER_MS = 500

outliveOutput()
const program = await createProgram(process.argv[2] ?? 'help')
try {
  await program.parseAsync()
} catch (error) {
  const { said, exit } = explained(error)
  process.stderr.write(said)
  process.exitCode = exit
}
// All that was open is closed, but kafkajs may go on for ten seconds with attempts at what was cut off, and `doctor` has given
// up on what never answers.
setTimeout(() => process.exit(), LINGER_MS).unref()
