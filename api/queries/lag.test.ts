import { Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { FcmError } from '../../common/errors.ts'
import { fakeLog, fakeStore, sourceState, T0, testApi } from '../testing.ts'
import { lagOf } from './lag.ts'

const at = (...times: (number | null)[]) => times.map((time) => (time === null ? undefined : { time }))
const now = () => 100_000
const rowOf = (rows: Awaited<ReturnType<typeof lagOf>>, group: string, topic: string, partition = 0) =>
  rows.find((r) => r.group === group && r.topic === topic && r.partition === partition)

describe('lag', () => {
  it('counts unread records and the age of the oldest of them, per partition', async () => {
    const log = fakeLog(
      { 'fcm.live.activity': [at(10_000, 20_000, 70_500), at(5_000)] },
      { 'fcm.live.count fcm.live.activity': { 0: 1, 1: 1 } },
    )
    const rows = await lagOf(log, 'live', now)
    const common = { run: 'live', group: 'fcm.live.count', topic: 'fcm.live.activity' }
    expect(rowOf(rows, common.group, common.topic)).toEqual({
      ...common,
      ...{ partition: 0, committed: 1, end: 3, records: 2, seconds: 80 },
    })
    expect(rowOf(rows, common.group, common.topic, 1)).toEqual({
      ...common,
      ...{ partition: 1, committed: 1, end: 1, records: 0, seconds: 0 },
    })
  })

  it('shows a stage that has never committed as behind by all there is', async () => {
    const log = fakeLog({ 'fcm.live.activity': [at(90_000, 95_000)] })
    const rows = await lagOf(log, 'live', now)
    expect(rowOf(rows, 'fcm.live.store', 'fcm.live.activity')).toMatchObject({ records: 2, seconds: 10 })
    expect(rowOf(rows, 'fcm.live.count', 'fcm.live.activity')).toMatchObject({ committed: 0, records: 2 })
  })

  it('does not count what retention has deleted, nor ask for it', async () => {
    const log = fakeLog(
      { 'fcm.live.counts': [at(1, 2, 60_000, 70_000)] },
      { 'fcm.live.detect fcm.live.counts': { 0: 1 } },
      2,
    )
    const row = rowOf(await lagOf(log, 'live', now), 'fcm.live.detect', 'fcm.live.counts')
    expect(row).toMatchObject({ committed: 1, end: 4, records: 2, seconds: 40 })
  })

  it('steps over holes, and has groups that are none of ours', async () => {
    const log = fakeLog(
      { 'fcm.live.counts': [at(1, null, null, 99_000)], 'fcm.live.checkpoints': [at(null)] },
      { 'others fcm.live.counts': { 0: 1 }, 'others fcm.live.checkpoints': { 0: 0 } },
    )
    const rows = await lagOf(log, 'live', now)
    expect(rowOf(rows, 'others', 'fcm.live.counts')).toMatchObject({ records: 3, seconds: 1 })
    expect(rowOf(rows, 'others', 'fcm.live.checkpoints')).toMatchObject({ records: 1, seconds: 0 })
  })

  it('stands when retention deletes the oldest record meanwhile', async () => {
    const log = fakeLog({ 'fcm.live.activity': [at(1, 2)] })
    const gone = { topic: 'fcm.live.activity', partition: 0, offset: 0, first: 2 }
    log.read = () => {
      throw new FcmError('OFFSET_OUT_OF_RANGE', gone)
    }
    expect((await lagOf(log, 'live', now))[0]).toMatchObject({ records: 2, seconds: 0 })
    log.read = () => {
      throw new FcmError('LOG_BROKEN', { file: 'x', why: 'y' })
    }
    await expect(lagOf(log, 'live', now)).rejects.toThrow(/can't be used/)
  })

  it('asks each partition once for its oldest record, and not for all of them at once', async () => {
    const log = fakeLog({ 'fcm.live.activity': Array.from({ length: 64 }, () => at(40_000)) })
    const asked: number[] = []
    let [under, most] = [0, 0]
    const slow: typeof log = {
      ...log,
      async *read(tp, from) {
        asked.push(tp.partition)
        most = Math.max(most, ++under)
        await new Promise((wake) => setTimeout(wake, 2))
        under--
        yield* log.read(tp, from)
      },
    }
    const rows = await lagOf(slow, 'live', now)
    expect(rows.filter(({ seconds }) => seconds === 60)).toHaveLength(2 * 64)
    expect(asked.sort((a, b) => a - b)).toEqual(Array.from({ length: 64 }, (_, partition) => partition))
    expect(most).toBeGreaterThan(1)
    expect(most).toBeLessThanOrEqual(16)
  })

  it('is of one run, and empty where there is none', async () => {
    const log = fakeLog({ 'fcm.live.activity': [at(1)], 'fcm.live-2.activity': [at(1)] })
    expect(new Set((await lagOf(log, 'live', now)).map((row) => row.run))).toEqual(new Set(['live']))
    expect((await lagOf(log, 'live', now)).every((row) => row.topic.startsWith('fcm.live.'))).toBe(true)
    expect(await lagOf(log, 'none', now)).toEqual([])
  })

  it('is told by GET /v1/ops/lag', async () => {
    const log = fakeLog({ 'fcm.history.activity': [at(40_000)] })
    const { app } = await testApi({ log, now })
    const answer = (await app.inject({ url: '/v1/ops/lag?run=history' })).json()
    expect(answer.next).toBeNull()
    expect(answer.items[0]).toMatchObject({
      run: 'history',
      group: 'fcm.history.count',
      records: 1,
      seconds: 60,
    })
  })
})

describe('/metrics', () => {
  it('has the lag of all runs as of the scrape, under the names of kafka-lag-exporter', async () => {
    const topics = { 'fcm.live.activity': [at(40_000)], 'fcm.history.activity': [at(1)] }
    const committed = { 'fcm.live.count fcm.live.activity': { 0: 0 } }
    const { app } = await testApi({ log: fakeLog(topics, committed), now })
    const scrape = async () => (await app.inject({ url: '/metrics' })).body
    const labels = '{group="fcm.live.count",topic="fcm.live.activity",partition="0"}'
    const before = await scrape()
    expect(before).toContain(`kafka_consumergroup_group_lag${labels} 1\n`)
    expect(before).toContain(`kafka_consumergroup_group_lag_seconds${labels} 60\n`)
    expect(before).toContain('group="fcm.history.store"')
    committed['fcm.live.count fcm.live.activity'][0] = 1
    Reflect.deleteProperty(topics, 'fcm.history.activity')
    const after = await scrape()
    expect(after).toContain(`kafka_consumergroup_group_lag${labels} 0\n`)
    expect(after).not.toContain('history')
  })

  it('has sums and maxima of a group, and the offsets that they come of', async () => {
    const topics = {
      'fcm.live.activity': [at(40_000, 50_000), at(10_000)],
      'fcm.live.counts': [at(90_000, 95_000, 99_000)],
    }
    const committed = { 'fcm.live.store fcm.live.activity': { 0: 1 } }
    const { app } = await testApi({ log: fakeLog(topics, committed), now })
    const { body } = await app.inject({ url: '/metrics' })
    const store = 'group="fcm.live.store"'
    expect(body).toContain(`kafka_consumergroup_group_sum_lag{${store}} 5\n`)
    expect(body).toContain(`kafka_consumergroup_group_topic_sum_lag{${store},topic="fcm.live.activity"} 2\n`)
    expect(body).toContain(`kafka_consumergroup_group_max_lag{${store}} 3\n`)
    expect(body).toContain(`kafka_consumergroup_group_max_lag_seconds{${store}} 90\n`)
    const place = 'topic="fcm.live.activity",partition="0"'
    expect(body).toContain(`kafka_consumergroup_group_offset{${store},${place}} 1\n`)
    // Those that never committed stand nowhere.
    expect(body.match(/kafka_consumergroup_group_offset\{/g)).toHaveLength(1)
    expect(body).toContain(`kafka_partition_earliest_offset{${place}} 0\n`)
    expect(body).toContain(`kafka_partition_latest_offset{${place}} 2\n`)
  })

  it('has the rest when the log fails, and durations of requests', async () => {
    const log = {
      ...fakeLog(),
      topics: async () => {
        throw new Error('log away')
      },
    }
    const { app, logged } = await testApi({ log, metrics: new Registry() })
    await app.inject({ url: '/v1/runs' })
    const answer = await app.inject({ url: '/metrics' })
    expect(answer.statusCode).toBe(200)
    expect(answer.headers['content-type']).toMatch(/^text\/plain/)
    expect(answer.body).toContain(
      'fcm_http_request_duration_seconds_count{method="GET",route="/v1/runs",status="200"} 1',
    )
    expect(answer.body).not.toMatch(/kafka_consumergroup_group_lag\{/)
    expect(logged.map((line) => line.msg)).toContain('lag is not known')
  })

  it('has what the sources of all runs do, without a label per channel', async () => {
    const log = fakeLog({ 'fcm.live.activity': [[]], 'fcm.history.activity': [[]] })
    const store = fakeStore({
      operations: {
        source: async (run) => (run === 'live' ? sourceState : { ...sourceState, round: null, measures: [] }),
      },
    })
    const { app } = await testApi({ log, store })
    // Totals don't grow by being asked for.
    await app.inject({ url: '/metrics' })
    const { body } = await app.inject({ url: '/metrics' })
    expect(body).toContain('fcm_source_requests_total{run="live"} 1234\n')
    expect(body).toContain('fcm_source_failed_total{run="live"} 56\n')
    expect(body).toContain(
      `fcm_source_covered_to_timestamp_seconds{run="live",measure="posts"} ${T0 / 1000}\n`,
    )
    expect(body).toContain('fcm_gap_ratio{run="live",measure="posts"} 0.25\n')
    expect(body).not.toContain('fcm_gap_ratio{run="live",measure="replies"}')
    expect(body).toContain('fcm_channels_behind{run="live"} 1\n')
    expect(body).not.toMatch(/fcm_(source|gap|channels)\w+\{run="history"/)
    expect(body).not.toMatch(/^fcm_(source|gap).*channel/m)
  })

  it('has the alerts that are open, and zeros where none is', async () => {
    let count = 2
    const open = { run: 'live', type: 'onset', severity: 'high' } as const
    const store = fakeStore({ alerts: { open: async () => (count > 0 ? [{ ...open, count }] : []) } })
    const { app } = await testApi({ log: fakeLog({ 'fcm.live.activity': [[]] }), store })
    const of = async (type: string, severity: string) => {
      const { body } = await app.inject({ url: '/metrics' })
      const labels = `run="live",type="${type}",severity="${severity}"`
      return body.split(`fcm_open_alerts{${labels}} `)[1]?.split('\n')[0]
    }
    expect([await of('onset', 'high'), await of('collapse', 'low')]).toEqual(['2', '0'])
    count = 0
    expect(await of('onset', 'high')).toBe('0')
  })

  it('has the rest when the store fails', async () => {
    const source = async () => {
      throw new Error('store away')
    }
    const log = fakeLog({ 'fcm.live.activity': [[]] })
    const store = fakeStore({ operations: { source }, alerts: { open: source } })
    const { app, logged } = await testApi({ log, store })
    const { body } = await app.inject({ url: '/metrics' })
    expect(body).toContain('kafka_consumergroup_group_lag{')
    expect(body).not.toMatch(/^fcm_source/m)
    expect(body).not.toMatch(/^fcm_open_alerts\{/m)
    const said = logged.map((line) => line.msg)
    expect(said).toContain('what the source does is not known')
    expect(said).toContain('which alerts are open is not known')
  })
})
