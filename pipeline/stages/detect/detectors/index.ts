/** The list of detectors, in the order in which they judge a bin. A new one is a file beside this one, and a line here. */
import { collapse } from './collapse.ts'
import type { Detector } from './detector.ts'
import { earlyWarning } from './early-warning.ts'
import { onset } from './onset.ts'

export const DETECTORS = [
  earlyWarning, //
  onset,
  collapse,
] as const satisfies readonly Detector[]

type All<U> = (U extends unknown ? (u: U) => void : never) extends (all: infer I) => void ? I : never
/** Of all detectors. */
export type DetectorSettings = All<(typeof DETECTORS)[number]['settings']>
