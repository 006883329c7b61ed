import { type Static, Type } from 'typebox'
import type { Paging } from '../../connectors/postgres/database/questions.ts'
import * as ask from '../contracts/asking.ts'
import type { Cast, Channel, Gap, Overview } from '../contracts/channels.ts'
import { exactly, type Page } from '../contracts/schema.ts'
import { pageOf, spanOf } from './asking.ts'
import type { Means } from './means.ts'
import * as present from './present.ts'

export const GetOverview = exactly({ run: ask.AnyRun, limit: ask.limited(50, 500) })
export const ListChannels = exactly({ run: ask.AnyRun, ...ask.paging(500, 5000) })
export const OneChannel = exactly({ id: ask.ChannelName })
export const ListCasts = exactly({ run: ask.AnyRun, ...ask.span, ...ask.paging(50, 500) })
/** Of a list with a span that may be narrowed to a channel. */
export const OfChannel = exactly({
  run: ask.AnyRun,
  channel: Type.Optional(ask.ChannelName),
  ...ask.span,
  ...ask.paging(500, 5000),
})

export const channelQueries = ({ store, known, shared }: Means) => ({
  /** Channels as they are now, by risk. */
  overview: ({ run, limit }: Static<typeof GetOverview>): Promise<Overview> =>
    shared.answer(run, ['overview', limit], async () => {
      await known.run(run)
      return present.overview(await store.series.overview(run, limit))
    }),

  /** Those that have series, by name. */
  async channels(asked: Static<typeof ListChannels>): Promise<Page<Channel>> {
    const { run } = asked
    await known.run(run)
    const channels = (page: Paging) => store.series.channels(run, page)
    return pageOf('channels', [run], asked, channels, present.channel)
  },

  /** Newest first, texts capped. */
  async casts(id: string, asked: Static<typeof ListCasts>): Promise<Page<Cast>> {
    const { run } = asked
    await known.run(run)
    const span = spanOf(asked)
    return pageOf(
      'casts',
      [run, id, span],
      asked,
      (page) => store.casts.list(run, id, span, page),
      present.cast,
    )
  },

  /** Times that were not observed, earliest first. */
  async gaps(asked: Static<typeof OfChannel>): Promise<Page<Gap>> {
    const { run, channel } = asked
    await known.channel(run, channel)
    const filter = { channel, ...spanOf(asked) }
    return pageOf(
      'gaps',
      [run, filter],
      asked,
      (page) => store.operations.gaps(run, filter, page),
      present.gap,
    )
  },
})
