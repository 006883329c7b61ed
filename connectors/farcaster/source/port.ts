/** What the source asks of a Farcaster MCP server, whichever it is. Times are ms. */
import type { CastId, CastMessage, ReactionMessage } from '../../../schemas/message.ts'
import type { Measure } from '../../../schemas/records.ts'

export type ChannelInfo = { id: string; url: string; followers: number }

/** Where to go on: a cursor, or from the newest again with a larger limit. Opaque to who passes it back. */
export type PageKey = { cursor: string } | { limit: number }

/** `seconds`: that the answer took by the clock of a simulated hub; 0 for any other. */
export type Answer<T> =
  /**
   * Newest first. All that was signed at `from` or later is on this page and those before it; `from` is at most the
   * `since` that was asked for, or there is a `next`, or the server can't tell more; infinite for a page that proves
   * nothing. `invalid` messages were unreadable.
   */
  | { outcome: 'page'; items: T[]; from: number; next: PageKey | null; invalid: number; seconds: number }
  /** The server, or the hub behind it, refused or answered with something unusable. `retryAfter`: seconds, or 0. */
  | { outcome: 'failed'; why: string; retryAfter: number; seconds: number }
  /** Nobody answered: the server is gone, or its hub is. The same question may be asked again at once. */
  | { outcome: 'away'; why: string }

/** How many reactions of each kind a cast has, where the server tells no single ones. */
export type Counts = {
  outcome: 'counts'
  counts: { kind: 'like' | 'recast'; count: number; saturated: boolean }[]
  seconds: number
}

export interface FarcasterServer {
  /** Of posts, replies and reactions: what it has tools for. */
  readonly measures: readonly Measure[]
  channels(page?: PageKey): Promise<Answer<ChannelInfo>>
  /** Posts in the channel with this parent URL. */
  posts(channel: string, since: number, page?: PageKey): Promise<Answer<CastMessage>>
  /** Direct replies. */
  replies(cast: CastId, since: number, page?: PageKey): Promise<Answer<CastMessage>>
  reactions(cast: CastId, since: number, page?: PageKey): Promise<Answer<ReactionMessage> | Counts>
  close(): Promise<void>
}
