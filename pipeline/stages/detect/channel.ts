/** What is known of one channel: its series, and the share of replies among its casts. */
import { RESOLUTIONS } from '../../../common/time.ts'
import type { ReplyShare } from '../../../models/early-warning/reply-share.ts'
import { MEASURES } from '../../../schemas/records.ts'
import type { Series, Sum } from './series.ts'

export type Channel = {
  /** In the order of MEASURES. */
  series: (Series | null)[]
  /** The share of replies among its casts, by resolution; null until a window of its casts is kept. */
  replies: ({ share: ReplyShare; casts: Sum; replies: Sum } | null)[]
}

export const createChannel = (): Channel => ({
  series: MEASURES.map(() => null),
  replies: RESOLUTIONS.map(() => null),
})
