/** The time that a hub takes it to be, ms. It never goes back. */
export type HubClock = OwnClock | DrivenClock

/** `speed`: its seconds in one of the wall clock's. */
export type OwnClock = { driven: false; speed: number; now(): number }

/** `now` is null until it is set; `set` changes nothing, and says false, where `to` lies back. */
export type DrivenClock = { driven: true; now(): number | null; set(to: number): boolean }

/** Runs by itself from `at` on, since it is first asked, `speed` times as fast as the wall clock; 0: stands still. */
export function ownClock(at: number, speed = 1): OwnClock {
  let began: number | undefined
  return {
    driven: false,
    speed,
    now() {
      const wall = performance.now()
      began ??= wall
      return at + Math.floor((wall - began) * speed)
    },
  }
}

/** Set from outside. */
export function drivenClock(): DrivenClock {
  let now: number | null = null
  return {
    driven: true,
    now: () => now,
    set(to) {
      if (now !== null && to < now) return false
      now = to
      return true
    },
  }
}
