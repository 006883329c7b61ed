/** What `work` resolves with; where that takes longer than `ms`, it goes on unheard. @throws what `late` makes of `why` then */
export function within<T>(work: Promise<T>, ms: number, late: (why: string) => Error): Promise<T> {
  const passed = Promise.withResolvers<never>()
  const timer = setTimeout(() => passed.reject(late(`no answer within ${ms / 1000} s`)), ms)
  return Promise.race([work, passed.promise]).finally(() => clearTimeout(timer))
}
