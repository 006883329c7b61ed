import { setTimeout as sleep } from 'node:timers/promises'
import { FcmError } from '../../common/errors.ts'
import { oneLine } from '../../common/text.ts'

export type Finding = { check: string; state: 'ok' | 'attention' | 'broken'; found: string; mend?: string }

/** What does not answer in this time is taken for away, ms: all checks together end within 10 s. */
const PATIENCE = 6000

/** What `work` finds; that it fails, or takes too long, is a finding too. */
export async function examine(check: string, work: () => Promise<Finding[]>): Promise<Finding[]> {
  const seconds = PATIENCE / 1000
  const late: Finding = {
    ...{ check, state: 'broken', found: `no answer within ${seconds} s` },
    mend: 'Check that it runs, and that nothing stands between: an address that is wrong, a firewall.',
  }
  const failed = (error: unknown): Finding[] => [
    { check, state: 'broken', found: error instanceof FcmError ? error.message : oneLine(String(error)) },
  ]
  return Promise.race([work().catch(failed), sleep(PATIENCE, [late], { ref: false })])
}
