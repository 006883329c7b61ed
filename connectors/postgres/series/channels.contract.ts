/** What every store must say of channels: which there are, and which are at risk. */
import { beforeAll, describe, expect, it } from 'vitest'
import { BASE } from '../../../common/time.ts'
import type { AlertEvent, Coverage } from '../../../schemas/records.ts'
import {
  ART,
  alert,
  bin,
  countsOf,
  HOSTILE,
  held,
  type Input,
  idle,
  SERIES,
  signal,
  T,
} from '../records.fixture.ts'
import type { Store } from '../store.ts'
import type { ChannelState } from './series.ts'

export function channelsContract(storeOf: () => Store, newRun: () => string): void {
  let store: Store
  const counts: ReturnType<typeof countsOf> = (...asked) => countsOf(store)(...asked)
  beforeAll(() => {
    store = storeOf()
  })

  it.each(HOSTILE.map((name, i) => [i, name] as const))('takes any channel name (%i)', async (_, channel) => {
    const run = newRun()
    await store.ingest.write(run, [bin(channel, 0, 1), bin(channel, 1, 2)])
    const [found] = (await store.series.list(run, {}, { limit: 5 })).items
    expect(found).toMatchObject({ id: `casts:${found!.channel}`, total: 3 })
    if (channel === held(channel)) expect(found!.channel).toBe(channel)
    else expect(found!.channel).toContain(held(channel))
    expect((await store.series.list(run, { channel: found!.channel }, { limit: 5 })).items).toEqual([found])
    expect(await counts(run, { series: found!.id })).toHaveLength(2)
    expect(await counts(run, { series: found!.id, channel: found!.channel })).toHaveLength(2)
    expect(await counts(run, { series: found!.id, channel: 'another' })).toEqual([])
  })

  it('keeps channels apart whose names it can not hold as they are', async () => {
    const run = newRun()
    await store.ingest.write(run, [bin('a\0b', 0, 1), bin('a\ufffdb', 0, 2), bin('a\0b', 1, 4)])
    const { items } = await store.series.list(run, {}, { limit: 5 })
    expect(items.map(({ total }) => total)).toEqual([5, 2])
    expect(items[1]!.channel).toBe('a\ufffdb')
    for (const { id, total } of items) {
      const rows = await counts(run, { series: id })
      expect(rows.reduce((sum, { count }) => sum + count, 0)).toBe(total)
    }
  })

  it('knows which channels there are, and of which a name is the end', async () => {
    const [run, other] = [newRun(), newRun()]
    await store.ingest.write(run, [
      bin(ART, 0, 1),
      bin('https://a.xyz/e_%', 0, 1),
      bin('https://b.xyz/new/', 0, 1),
    ])
    await store.ingest.write(run, [bin('https://a.xyz/twice', 0, 1), bin('https://b.xyz/twice', 0, 1)])
    await store.ingest.write(other, [bin('https://other.xyz', 0, 1)])
    const alike = async (name: string) => {
      const found = await store.series.findChannel(run, name)
      return found.known ? 'known' : found.alike
    }
    expect(await alike(ART)).toBe('known')
    expect(await alike('https://b.xyz/new/')).toBe('known')
    for (const name of ['art', '/art', '~/channel/art/', 'warpcast.com/~/channel/art']) {
      expect([name, await alike(name)]).toEqual([name, [ART]])
    }
    expect(await alike('new')).toEqual(['https://b.xyz/new/'])
    expect(await alike('https://b.xyz/new')).toEqual(['https://b.xyz/new/'])
    expect(await alike('e_%')).toEqual(['https://a.xyz/e_%'])
    expect(await alike('twice')).toEqual(['https://a.xyz/twice', 'https://b.xyz/twice'])
    for (const name of ['rt', 'ART', '%', '_', '/', '', 'exx', 'other.xyz', `'; DROP TABLE channels`]) {
      expect([name, await alike(name)]).toEqual([name, []])
    }
    expect(await store.series.findChannel(other, 'other.xyz')).toMatchObject({
      alike: ['https://other.xyz'],
    })
    expect(await store.series.findChannel('no-such-run', ART)).toEqual({ known: false, alike: [] })
  })

  describe('the overview', () => {
    const END = 200
    const open = (key: string, n: number, more: Partial<AlertEvent> = {}) =>
      alert(key, n, 1, { openedAt: T + n * BASE, ...more })
    const overview = async (run: string, limit = 50) => {
      const { now, items } = await store.series.overview(run, limit)
      return { now, items, of: new Map(items.map((item) => [item.channel, item])) }
    }
    const channelsOf = (items: ChannelState[]) => items.map(({ channel }) => channel)

    it('has the channels by risk: what is open, then score, p-value, and events', async () => {
      const run = newRun()
      const judged = (key: string, score: number | null, p: number | null) => [
        bin(key, END - 1, 5),
        signal(key, END - 1, { score, p }),
      ]
      const own = (n: number) => ({ fingerprint: `${run}-${n}` })
      await store.ingest.write(run, [
        ...[...judged('quiet', 0.1, 0.5), ...judged('*', 0.9, 0.5), ...judged('ready', 0.9, 0.1)],
        ...judged('unknown', null, 0.01),
        ...[bin('slow', END - 1, 2), bin('busy', END - 1, 9), bin('also slow', END - 1, 2)],
        ...[...judged('falls', 0.99, 0), open('falls', 3, { ...own(1), kind: 'collapse' })],
        ...[...judged('jumps', null, null), open('jumps', 5, { ...own(2), kind: 'onset', severity: 'high' })],
        ...[
          ...judged('warned', 0.2, 0.2),
          open('warned', 4, { ...own(3), kind: 'collapse', severity: 'low' }),
          open('warned', 2, { ...own(4), severity: 'medium' }),
          open('warned', 6, { ...own(5), kind: 'onset', severity: 'high' }),
        ],
        // What has ended is no risk.
        open('quiet', 1, own(6)),
        alert('quiet', 1, 2, { ...own(6), event: 'resolved' }),
      ])
      const { items, of } = await overview(run)
      expect(channelsOf(items)).toEqual([
        ...['warned', 'jumps', 'falls', 'ready', '*', 'quiet', 'unknown'],
        ...['busy', 'also slow', 'slow'],
      ])
      expect(of.get('warned')!.alerts).toEqual([
        { id: `${run}-5`, type: 'onset', severity: 'high', openedAt: T + 6 * BASE },
        { id: `${run}-4`, type: 'early-warning', severity: 'medium', openedAt: T + 2 * BASE },
        { id: `${run}-3`, type: 'collapse', severity: 'low', openedAt: T + 4 * BASE },
      ])
      expect(of.get('quiet')).toMatchObject({ alerts: [], score: 0.1, at: T + (END - 1) * BASE })
      for (let limit = 1; limit < items.length; limit++) {
        expect((await overview(run, limit)).items).toEqual(items.slice(0, limit))
      }
    })

    it('shows the last base bin that was judged, and figures of none that is long past', async () => {
      const run = newRun()
      await store.ingest.write(run, [
        ...[100, 150, 199].map((i) => bin('a', i, i)),
        ...[
          signal('a', 150, { score: 0.25 }),
          signal('a', 196, { score: 0.5, count: 7, decision: 'masked' }),
        ],
        signal('a', 192, { resolution: 3600, score: 1 }),
        ...[bin('old', 127, 1), signal('old', 127, { score: 0.9, decision: 'insufficient' })],
        bin('never', END - 1, 1),
      ])
      const { now, of } = await overview(run)
      expect(now).toBe(T + END * BASE)
      expect(await store.series.now(run)).toBe(now)
      expect(of.get('a')).toMatchObject({
        ...{ score: 0.5, p: 0.25, count: 7, expected: 1 / 3, at: T + 196 * BASE, decision: 'masked' },
        series: 'casts:a',
      })
      const none = { score: null, p: null, count: null, expected: null }
      expect(of.get('old')).toMatchObject({ ...none, at: T + 127 * BASE, decision: 'insufficient' })
      expect(of.get('never')).toMatchObject({ ...none, at: null, decision: null })
      const { scores } = of.get('a')!
      expect(scores).toHaveLength(72)
      expect(scores.flatMap((score, i) => (score === null ? [] : [[i, score]]))).toEqual([
        [22, 0.25],
        [68, 0.5],
      ])
    })

    it('has the counts of the last 72 base bins: zeros of idle time filled, gaps not', async () => {
      const run = newRun()
      const unknown: Input = {
        key: 'idle',
        record: {
          ...{ type: 'Unknown', measure: 'casts', reason: 'away' },
          ...{ from: T + 150.5 * BASE, to: T + 152 * BASE },
        },
      }
      const stretch = (from: number, to: number, count: number) =>
        Array.from({ length: to - from }, (_, i) => bin('zeros', from + i, count))
      await store.ingest.write(run, [
        ...[bin('*', END - 1, 1), ...stretch(100, 190, 0), ...stretch(190, 192, 4)],
        ...[bin('gaps', 140, 3), bin('gaps', 141, 2, 0.5, true), bin('gaps', 142, 5), bin('gaps', 145, 6)],
        ...[bin('*', END, 7, 0.95), bin('*', END + 1, 8, 0.5, true)],
        ...[bin('idle', 120, 1), idle('idle', 121), unknown],
        ...[bin('woke', 110, 1), idle('woke', 111), bin('woke', 180, 2), bin('woke', 181, 0)],
        ...[bin('said', 130, 1), idle('said', 131)],
        {
          key: 'said',
          record: {
            ...{ type: 'Coverage', status: 'covered', measures: ['posts', 'replies'], reason: null },
            ...{ from: T, to: T + 170 * BASE, partitions: 1 },
          } satisfies Coverage,
        },
      ])
      const end = END + 2
      const from = end - 72
      const { now, of } = await overview(run)
      expect(now).toBe(T + end * BASE)
      const counts = (channel: string, [a, b]: [number, number]) =>
        of.get(channel)!.recent.slice(a - from, b - from)
      const known = (channel: string) => {
        const { recent } = of.get(channel)!
        expect(recent).toHaveLength(72)
        return recent.flatMap((n, i) => (n === null ? [] : [from + i]))
      }
      expect(counts('*', [END - 2, end])).toEqual([null, 1, 7, null])
      expect(counts('gaps', [139, 147])).toEqual([null, 3, null, 5, null, null, 6, null])
      expect(counts('zeros', [130, 193])).toEqual([...Array(60).fill(0), 4, 4, null])
      const range = (a: number, b: number) => Array.from({ length: b - a }, (_, i) => a + i)
      // It was idle before what is shown began.
      expect(known('idle')).toEqual([...range(from, 150), ...range(152, end)])
      expect(known('woke')).toEqual(range(from, 182))
      expect(counts('woke', [179, 182])).toEqual([0, 2, 0])
      // The source has not spoken of it since.
      expect(known('said')).toEqual(range(130, 170))
    })

    it('has those that have long been silent behind all others, by name', async () => {
      const run = newRun()
      const own = (n: number) => ({ fingerprint: `${run}-${n}` })
      await store.ingest.write(run, [
        ...['z', 'c', 'a', 'b'].map((key) => bin(key, 0, 9)),
        ...[signal('z', 0, { score: 0.9 }), bin('alerted', 1, 2), open('alerted', 1, own(1))],
        ...[idle('a', 1), bin('b now', END, 0), bin('y now', END, 1), bin('judged', END, 0)],
        signal('judged', END, { score: null, p: 0.9 }),
      ])
      const { now, items, of } = await overview(run)
      expect(now).toBe(T + (END + 1) * BASE)
      expect(channelsOf(items)).toEqual(['alerted', 'judged', 'y now', 'a', 'b', 'b now', 'c', 'z'])
      expect(of.get('a')!.recent).toEqual(Array(72).fill(0))
      expect(of.get('z')).toMatchObject({ at: T, score: null, recent: Array(72).fill(null) })
      for (let limit = 1; limit < items.length; limit++) {
        expect((await overview(run, limit)).items).toEqual(items.slice(0, limit))
      }
    })

    it('shows posts where there are no casts, and whatever there is else', async () => {
      const run = newRun()
      const bins = (key: string, measures: string[]): Input => {
        const { record } = bin(key, END, 1)
        if (record.type !== 'BinClosed') throw new Error('no bin')
        const kinds = measures.map((measure) => ({ ...record.bins[0]!, measure }))
        return { key, record: { ...record, bins: kinds } as typeof record }
      }
      await store.ingest.write(run, [
        bins('all', ['participants', 'reactions', 'posts', 'casts', 'replies']),
        ...[bins('polled', ['reactions', 'posts']), bins('liked', ['reactions'])],
        // An alert may be stored before the counts that it is of.
        open('only alerted', 1, { fingerprint: `${run}-1`, subject: { ...SERIES, measure: 'posts' } }),
        ...[bins(HOSTILE[0]!, ['posts']), open(HOSTILE[0]!, 1, { fingerprint: `${run}-2`, subject: SERIES })],
      ])
      const { items } = await overview(run)
      expect(Object.fromEntries(items.map(({ channel, series }) => [channel, series]))).toEqual({
        ...{ all: 'casts:all', polled: 'posts:polled', liked: 'reactions:liked' },
        ...{ 'only alerted': 'posts:only alerted', [HOSTILE[0]!]: `posts:${HOSTILE[0]}` },
      })
    })

    it('is empty for a run that is not there, or has no bins', async () => {
      expect(await store.series.overview('no-such-run', 5)).toEqual({ now: null, items: [] })
      expect(await store.series.now('no-such-run')).toBe(null)
      const run = newRun()
      await store.ingest.write(run, [open(ART, 1, { fingerprint: `${run}-1` })])
      const { now, items } = await overview(run)
      expect([now, items.length]).toEqual([null, 1])
      expect(new Set([...items[0]!.recent, ...items[0]!.scores])).toEqual(new Set([null]))
    })
  })
}
