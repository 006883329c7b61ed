import { FcmError } from '../../common/errors.ts'
import { within } from '../../common/within.ts'

/** A cluster that hangs would be waited for minutes, and who asks has a page to show meanwhile. */
const WITHIN_MS = 10_000

/** An answer of the event log. @throws FcmError KAFKA_UNREACHABLE after 10 s */
export const inTime = <T>(answer: Promise<T>): Promise<T> =>
  within(answer, WITHIN_MS, (why) => new FcmError('KAFKA_UNREACHABLE', { why }))
