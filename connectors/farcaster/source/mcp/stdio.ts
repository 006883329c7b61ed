/**
 * MCP over the standard input and output of a process that we start. The SDK's own transport copies all that it has of a
 * message for each piece of it that comes, and so takes time that grows with the square of its length.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { deserializeMessage, serializeMessage } from '@modelcontextprotocol/sdk/shared/stdio.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { SECOND } from '../../../../common/time.ts'

export type Command = { command: string; args: string[]; env: NodeJS.ProcessEnv }

/** What a message too large is told by. */
export const TOO_LARGE = 'a message exceeded the maximum size'

const NEWLINE = 10
/** A process may take so long to end with its standard input, and once more when it was told to by a signal. */
const END_MS = 2 * SECOND

/**
 * `maxMessage`: bytes; a longer one ends the connection. `onStderr`: told of all that the process writes there.
 * The environment is `env` and nothing else.
 */
export function stdioTransport(
  { command, args, env }: Command,
  maxMessage: number,
  onStderr: (chunk: Buffer) => void,
): Transport {
  let child: ChildProcess | undefined
  let isClosing = false
  let parts: Buffer[] = []
  let size = 0

  function take(part: Buffer): boolean {
    size += part.length
    if (size <= maxMessage) parts.push(part)
    else {
      transport.onerror?.(new Error(TOO_LARGE))
      void transport.close()
    }
    return size <= maxMessage
  }
  function deliver(): void {
    const line = Buffer.concat(parts).toString('utf8')
    parts = []
    size = 0
    try {
      transport.onmessage?.(deserializeMessage(line))
    } catch (error) {
      transport.onerror?.(error as Error)
    }
  }
  function read(chunk: Buffer): void {
    let from = 0
    for (let end = chunk.indexOf(NEWLINE); end >= 0 && !isClosing; end = chunk.indexOf(NEWLINE, from)) {
      if (!take(chunk.subarray(from, end))) return
      deliver()
      from = end + 1
    }
    if (!isClosing) take(chunk.subarray(from))
  }

  const transport: Transport = {
    async start() {
      const started = spawn(command, args, { env, stdio: 'pipe' })
      child = started
      const tell = (error: Error) => transport.onerror?.(error)
      started.once('close', () => transport.onclose?.())
      started.stdout.on('data', read).on('error', tell)
      started.stderr.on('data', onStderr).on('error', tell)
      started.stdin.on('error', tell)
      await once(started, 'spawn')
      started.on('error', tell)
    },
    send: (message) =>
      new Promise((resolve, reject) => {
        if (!child?.stdin?.writable) return reject(new Error('the server has ended'))
        // What it means that nothing can be written, the end of the process tells.
        child.stdin.write(serializeMessage(message), () => resolve())
      }),
    async close() {
      isClosing = true
      parts = []
      if (!child || child.exitCode !== null || child.signalCode !== null) return
      const running = child
      const ended = new Promise<void>((resolve) => running.once('close', () => resolve()))
      const inTime = () => Promise.race([ended.then(() => true), sleep(END_MS, false, { ref: false })])
      running.stdin?.end()
      if (await inTime()) return
      running.kill('SIGTERM')
      if (!(await inTime())) running.kill('SIGKILL')
    },
  }
  return transport
}
