/**
 * When what a cast begets comes, in bins, and the mean rate that follows: the Hawkes mean equation
 * rate(t) = outside(t) + sum over k of ratio(t - k) rate(t - k) g(k) (Hawkes 1971, eq. 8), solved bin by bin. Rates are
 * relative: before the path begins rate = 1 under a constant ratio.
 */

/** Share of the begotten that come k bins after their cause, k = 0 being the same bin; sums to about 1. */
export type Kernel = Float64Array

/** Longest delay in bins that the mean equation knows; the rest counts as coming at its end. */
const LENGTH = 144

/**
 * The kernel of delays with the survival function `survives(t)`, t in bins, for causes anywhere in their bin. The
 * integral of the survival function over a bin is taken by Simpson's rule.
 */
export function kernelOf(survives: (bins: number) => number): Kernel {
  const integral = Float64Array.from({ length: LENGTH + 1 }, (_, k) => {
    let sum = 0
    const steps = k === 0 ? 16 : 2
    for (let i = 0; i < steps; i++) {
      const a = k + i / steps
      const b = k + (i + 1) / steps
      sum += (survives(a) + 4 * survives((a + b) / 2) + survives(b)) / (6 * steps)
    }
    return sum
  })
  // Of a cause at u in its bin, what comes by the end of the k-th bin after is 1 - survives(k + 1 - u).
  const kernel = new Float64Array(LENGTH)
  kernel[0] = 1 - integral[0]!
  for (let k = 1; k < LENGTH; k++) kernel[k] = integral[k - 1]! - integral[k]!
  kernel[LENGTH - 1]! += integral[LENGTH - 1]!
  return kernel
}

/** What past bins add to the rate of bin t. */
function begotten(kernel: Kernel, ratio: Float64Array, rate: Float64Array, t: number): number {
  let sum = 0
  for (let k = 1; k < kernel.length; k++) {
    // Before the path everything was at its usual level, with the ratio that it begins with.
    sum += (t >= k ? ratio[t - k]! * rate[t - k]! : ratio[0]!) * kernel[k]!
  }
  return sum
}

/** The mean rate under a path of outside rates (which begins at 1 - ratio[0]) and of ratios. */
export function meanUnder(kernel: Kernel, outside: Float64Array, ratio: Float64Array): Float64Array {
  const rate = new Float64Array(outside.length)
  for (let t = 0; t < rate.length; t++) {
    const same = Math.min(0.98, ratio[t]! * kernel[0]!)
    rate[t] = (outside[t]! + begotten(kernel, ratio, rate, t)) / (1 - same)
  }
  return rate
}

/** The outside rate under which the mean is `rate`, at least 0: then the mean is above it. */
export function outsideFor(kernel: Kernel, rate: Float64Array, ratio: Float64Array): Float64Array {
  const outside = new Float64Array(rate.length)
  for (let t = 0; t < rate.length; t++) {
    outside[t] = Math.max(0, rate[t]! * (1 - ratio[t]! * kernel[0]!) - begotten(kernel, ratio, rate, t))
  }
  return outside
}
