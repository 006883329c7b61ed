import type { Static } from 'typebox'
import type { Paging } from '../../connectors/postgres/database/questions.ts'
import * as ask from '../contracts/asking.ts'
import type { DeadLetters, Lag, Latency, Run } from '../contracts/ops.ts'
import { exactly, type Page } from '../contracts/schema.ts'
import type { Requests, Source } from '../contracts/source.ts'
import { allOf, pageOf, spanOf } from './asking.ts'
import type { OfChannel } from './channels.ts'
import { deadLettersOf } from './dead-letters.ts'
import { lagOf } from './lag.ts'
import { inTime } from './log-answer.ts'
import type { Means } from './means.ts'
import * as present from './present.ts'

export const ListRuns = exactly(ask.paging(500, 5000))
export const OfRun = exactly({ run: ask.AnyRun })
export const GetSource = exactly({ run: ask.AnyRun, limit: ask.limited(100, 5000) })

type OfRun = Static<typeof OfRun>

export const operationQueries = ({ store, log, known, shared, latency, now }: Means) => ({
  /** Runs, by name: live, and every named backfill. */
  runs: (asked: Static<typeof ListRuns>): Promise<Page<Run>> =>
    shared.answer('', ['runs', asked.limit, asked.cursor], () =>
      pageOf('runs', [], asked, store.runs.list, present.run),
    ),

  /** How far the source has come, its gaps, its last round, and its channels. */
  source: ({ run, limit }: Static<typeof GetSource>): Promise<Source> =>
    shared.answer(run, ['source', limit], async () => {
      await known.run(run)
      const state = await store.operations.source(run)
      return present.source(run, state, await store.operations.followed(run, state.hour, limit))
    }),

  /** Requests of the source by channel and hour, earliest first. */
  async requests(asked: Static<typeof OfChannel>): Promise<Page<Requests>> {
    const { run, channel } = asked
    await known.channel(run, channel)
    const filter = { channel, ...spanOf(asked) }
    const requests = (page: Paging) => store.operations.requests(run, filter, page)
    return pageOf('requests', [run, filter], asked, requests, present.requests)
  },

  /** How far each consumer group of a run is behind, in records and seconds. */
  lag: ({ run }: OfRun): Promise<Page<Lag>> =>
    shared.answer(run, ['lag'], async () => {
      await known.run(run)
      return allOf(await inTime(lagOf(log, run, now)), (row) => row)
    }),

  /** What could not be processed, counted by where it comes from. */
  deadLetters: ({ run }: OfRun): Promise<DeadLetters> =>
    shared.answer(run, ['dead-letters'], async () => {
      await known.run(run)
      return inTime(deadLettersOf(log, run))
    }),

  /** How long alerts took in the last minutes, by hop, as this process has measured. */
  async latency({ run }: OfRun): Promise<Latency> {
    await known.run(run)
    return latency.of(run)
  },
})
