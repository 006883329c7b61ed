/** What happens to the world while it works. Each fault ends by itself; what it is called stands in the table. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { NewRec } from '../../pipeline/log/port.ts'
import type { Codec } from '../../schemas/codec.ts'
import { SESSION_SECONDS, type World } from './world.ts'

export type Fault = { name: string; strike(world: World): Promise<void> }

const anyOf = <T>(items: T[], n: number): T => items[n % items.length]!

/** `minute`: how long the database and the registry are away, ms. */
export const faults = (minute: number): Fault[] => {
  let turn = 0
  return [
    {
      name: 'SIGKILL a worker, start another',
      async strike(world) {
        await world.dismiss(anyOf(world.workers, turn++), 'SIGKILL')
        world.hire()
      },
    },
    {
      name: 'SIGSTOP a worker until others have its partitions, then SIGCONT',
      async strike(world) {
        const { child } = anyOf(world.workers, turn++)
        child.kill('SIGSTOP')
        await sleep((SESSION_SECONDS + 4) * 1000)
        child.kill('SIGCONT')
      },
    },
    {
      name: 'add a worker, then end one',
      async strike(world) {
        world.hire()
        await sleep(8000)
        const code = await world.dismiss(anyOf(world.workers, turn++), 'SIGTERM')
        if (code !== 0) throw new Error(`a worker that was told to end ended with ${code}`)
      },
    },
    {
      name: 'SIGKILL the broker, start it again',
      async strike({ broker }) {
        await broker.kill()
        await sleep(2000)
        await broker.start()
      },
    },
    {
      name: 'SIGKILL the registry, start a worker, start the registry again',
      async strike(world) {
        await world.registry.kill()
        await world.dismiss(anyOf(world.workers, turn++), 'SIGTERM')
        world.hire()
        await sleep(5000)
        await world.registry.start()
      },
    },
    {
      name: `stop PostgreSQL for ${minute / 1000} s`,
      async strike({ postgres }) {
        await postgres.stop()
        await sleep(minute)
        await postgres.start()
      },
    },
  ]
}

/** Records that nobody can process, one of each kind for each of the channels. */
export function poison(codec: Codec, topic: string, channels: string[]): NewRec[] {
  const idle = codec.encode({ type: 'Idle', measure: 'posts', from: 300_000 })
  const unknown = Buffer.concat([Buffer.from([0, 0x77, 0, 0, 1]), idle.subarray(5)])
  const values = [idle.subarray(0, idle.length - 2), unknown, idle, Buffer.alloc(5 * 2 ** 20, 0x42)]
  return channels.flatMap((key) => values.map((value) => ({ topic, key, value })))
}

/** Resolves once no more than `least` records wait: ms that it took. */
export async function caughtUp(backlog: () => Promise<number>, least: number): Promise<number> {
  const began = Date.now()
  for (;;) {
    const records = await backlog().catch(() => Number.POSITIVE_INFINITY)
    if (records <= least) return Date.now() - began
    await sleep(250)
  }
}
