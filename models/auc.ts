/**
 * Area under the ROC curve: the chance that a positive's value is above a negative's, ties counting half (Mann-Whitney).
 * NaN where there are no positives or no negatives.
 */
export function auc(values: ArrayLike<number>, labels: ArrayLike<number>): number {
  return weightedAuc(sortedOf(values), labels, null)
}

/** Values with their order, from which areas under many weights are quick. */
export type Sorted = { order: Uint32Array; values: ArrayLike<number> }

export const sortedOf = (values: ArrayLike<number>): Sorted => ({
  order: Uint32Array.from({ length: values.length }, (_, i) => i).sort((a, b) => values[a]! - values[b]!),
  values,
})

/** The same where the value at i counts `weights[i]` times, as in a bootstrap; null: each once. */
export function weightedAuc(
  { order, values }: Sorted,
  labels: ArrayLike<number>,
  weights: ArrayLike<number> | null,
): number {
  let positives = 0
  let negatives = 0
  let above = 0
  for (let i = 0; i < order.length; ) {
    const value = values[order[i]!]!
    let tiedPositives = 0
    let tiedNegatives = 0
    for (; i < order.length && values[order[i]!] === value; i++) {
      const at = order[i]!
      const weight = weights ? weights[at]! : 1
      if (labels[at]) tiedPositives += weight
      else tiedNegatives += weight
    }
    above += tiedPositives * (negatives + tiedNegatives / 2)
    positives += tiedPositives
    negatives += tiedNegatives
  }
  return positives > 0 && negatives > 0 ? above / (positives * negatives) : Number.NaN
}
