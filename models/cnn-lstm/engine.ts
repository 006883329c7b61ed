/** What computes scores, by one set of weights: each backend is one. */
export type Engine = {
  /**
   * `rows` are rows of ROW finite floats one after another; the answer is the probability of each. A row's score
   * depends on that row alone. `rows` may be transferred: don't use it afterwards. Throws `SCORER_FAILED`.
   */
  score(rows: Float32Array): Promise<Float32Array>
  close(): Promise<void>
}
