/** How much one who asks may have of what there is: so many at a time, and so many in a while. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { sendProblem } from './problem.ts'

/** Seconds after which it is worth asking again for a place. */
const RETRY_AFTER = 10

export type Places = {
  /**
   * Takes a place until the answer has ended. Where there is none it answers so, and returns false; likewise when nobody
   * waits for the answer any more.
   */
  take(request: FastifyRequest, reply: FastifyReply): boolean
  taken(): number
}

/** Places for long answers, `what`: `most` in all, `each` for one address. */
export function createPlaces(what: string, most: number, each: number): Places {
  const held = new Map<string, number>()
  let all = 0
  const refuse = (reply: FastifyReply, status: number, why: string): false => {
    reply.header('retry-after', RETRY_AFTER)
    sendProblem(reply, status, `${why} Try again later.`)
    return false
  }
  return {
    taken: () => all,
    take({ ip }, reply) {
      // Its end would never be told.
      if (reply.raw.destroyed) return false
      const mine = held.get(ip) ?? 0
      if (all >= most) return refuse(reply, 503, `${most} ${what} are open, and there are no more.`)
      if (mine >= each) return refuse(reply, 429, `${each} ${what} of yours are open, and there are no more.`)
      all++
      held.set(ip, mine + 1)
      reply.raw.once('close', () => {
        all--
        const left = held.get(ip)! - 1
        if (left > 0) held.set(ip, left)
        else held.delete(ip)
      })
      return true
    },
  }
}

export type Rate = {
  /** Counts a request of an address; 0: it may go on, else the seconds until it may ask again. */
  wait(address: string): number
}

/**
 * At most `most` requests of one address in any `seconds` that begin with its first. Of no more than `addresses` at a
 * time: then the one that began first is forgotten, and begins anew.
 */
export function createRate(most: number, seconds: number, now: () => number, addresses = 10_000): Rate {
  const windows = new Map<string, { from: number; count: number }>()
  return {
    wait(address) {
      const at = now()
      const window = windows.get(address)
      if (window && at - window.from < seconds * 1000) {
        window.count++
        return window.count <= most ? 0 : Math.ceil((window.from + seconds * 1000 - at) / 1000)
      }
      windows.delete(address)
      const [oldest] = windows.keys()
      if (windows.size >= addresses) windows.delete(oldest!)
      windows.set(address, { from: at, count: 1 })
      return 0
    },
  }
}
