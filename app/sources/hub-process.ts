/** The simulated hub, in a process of its own: whoever asks it meets what a real one would let them meet. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { pino } from 'pino'
import { FcmError } from '../../common/errors.ts'

const FCM = fileURLToPath(new URL('../../bin/fcm.js', import.meta.url))
/** This program as another process: command and first arguments. */
export const ITSELF = [process.execPath, '--disable-warning=ExperimentalWarning', FCM] as const

export type HubProcess = {
  url: string
  /** Sets the hub's clock, ms; resolves when it stands there, also when the hub has to be started again for it. */
  drive(time: number): Promise<void>
  close(): Promise<void>
}

const RESTART_MS = 200

/** @throws FcmError HUB_FAILED */
export async function startHub(
  args: readonly string[],
  logger: pino.Logger,
  signal: AbortSignal,
): Promise<HubProcess> {
  let child: ChildProcess
  let ended: Promise<{ why: string; killed: boolean }>
  let isClosing = false

  /** Resolves with the hub's URL when it listens. */
  const launch = (port: string): Promise<string> => {
    const [command, ...itself] = ITSELF
    // In a process group of its own: Ctrl-C is for us, and the hub ends with its standard input.
    child = spawn(command, [...itself, 'hub', '--driven', '--port', port, ...args], { detached: true })
    let said = ''
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-500)
    })
    child.stdin!.on('error', () => {})
    ended = new Promise((resolve) => {
      child.once('error', ({ message }) => resolve({ why: message, killed: false }))
      child.once('close', (code, signal) => {
        const why = said.trim().split('\n').at(-1) || `it ended with ${signal ?? code}`
        resolve({ why, killed: signal !== null })
      })
    })
    return new Promise((resolve, reject) => {
      createInterface(child.stdout!).on('line', (line) => {
        const [, url] = /^Hub: (\S+)/.exec(line) ?? []
        if (url) resolve(url)
      })
      void ended.then(({ why }) => reject(new FcmError('HUB_FAILED', { why })))
    })
  }

  const keep = async (): Promise<void> => {
    for (;;) {
      const { why } = await ended
      if (isClosing) return
      logger.warn({ why }, 'the simulated hub has ended and is started again')
      await sleep(RESTART_MS)
      if (isClosing) return
      await launch(new URL(url).port).catch(() => {})
    }
  }

  const begin = async (): Promise<string> => {
    for (;;) {
      try {
        return await launch('0')
      } catch (error) {
        // Only what ended by itself would end so again.
        if (!(await ended).killed || signal.aborted) throw error
        await sleep(RESTART_MS)
      }
    }
  }
  const url = await begin()
  logger.info({ url, hub: child!.pid }, 'the simulated hub listens')
  const kept = keep()
  return {
    url,
    async drive(now) {
      for (;;) {
        signal.throwIfAborted()
        const answer = await fetch(`${url}/clock`, {
          method: 'PUT',
          body: JSON.stringify({ now }),
          signal,
        }).catch(() => null)
        if (answer?.ok) return
        if (answer) throw new FcmError('HUB_FAILED', { why: await answer.text() })
        await sleep(RESTART_MS, undefined, { signal })
      }
    },
    async close() {
      isClosing = true
      child.stdin!.end()
      await kept
    },
  }
}
