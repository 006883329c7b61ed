import { BASE, BASE_SECONDS, floorTo, SECOND } from '../../common/time.ts'
import type { Message } from '../../schemas/message.ts'

/** Something that happens at its time: tells its message, and may put later acts on the agenda. */
export type Act = () => Message

/** What is going to happen, by second: a calendar queue, since times are whole seconds and bins are read in order. */
export type Agenda = {
  /** `time` is a whole second, not before the open bin. */
  at(time: number, act: Act): void
  /** The acts of a bin, by second, until the next bin is opened. What is put on the agenda for it while it is open appears there. */
  open(bin: number): Act[][]
}

export function createAgenda(): Agenda {
  const later = new Map<number, { time: number; act: Act }[]>()
  let current = Number.NEGATIVE_INFINITY
  const seconds: Act[][] = Array.from({ length: BASE_SECONDS }, () => [])
  const put = (time: number, act: Act): void => {
    seconds[(time - current) / SECOND]!.push(act)
  }
  return {
    at(time, act) {
      const bin = floorTo(time, BASE)
      const list = later.get(bin)
      if (bin === current) put(time, act)
      else if (list) list.push({ time, act })
      else later.set(bin, [{ time, act }])
    },
    open(bin) {
      current = bin
      for (const acts of seconds) acts.length = 0
      for (const { time, act } of later.get(bin) ?? []) put(time, act)
      later.delete(bin)
      return seconds
    },
  }
}
