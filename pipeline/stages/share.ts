/** What one partition may hold of what all of a run's may. */
export const shareOf = (most: number, partitions: number): number =>
  Math.max(1, Math.floor(most / partitions))
