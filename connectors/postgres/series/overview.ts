/** What an analyst sees first: the channels of a run as they are now, by risk. */
import { BASE, BASE_SECONDS } from '../../../common/time.ts'
import { SHOWN } from '../../../schemas/measures.js'
import { ALERT_KINDS, kindOrder, NETWORK, SEVERITIES } from '../../../schemas/records.ts'
import { keyOf } from '../database/channel-name.ts'
import { arrayLiteral, type Query } from '../database/database.ts'
import { grouped, horizonOf, SAID_TO } from './reading.ts'
import type { ChannelState, SeriesQueries } from './series.ts'

/** Base bins that are shown: 6 hours. */
const RECENT = 72

type OpenAlert = ChannelState['alerts'][number]
/** `id` and `idleFrom` are of the series, `recent` is empty until it is read. */
type Candidate = ChannelState & { id: number; channelId: number; idleFrom: number | null; events: number }

/** Figures of a bin too old to tell of now. */
const UNKNOWN = { score: null, p: null, count: null, expected: null }

export const createOverview = (query: Query): Pick<SeriesQueries, 'overview' | 'now'> => ({
  async now(run) {
    return (await horizonOf(query, run)) * BASE || null
  },

  async overview(run, limit) {
    // What does not hang together is asked at once: the embedded database has one session, and a queue before it.
    const [end, open] = await Promise.all([horizonOf(query, run), readOpen(query, run)])
    const from = end - RECENT
    const read = async (channels: string, values: unknown[]) => {
      const heads = await readHeads(query, channels, [run, ...values])
      for (const head of heads) {
        head.alerts = open.get(head.channelId) ?? []
        if (head.at !== null && head.at < from * BASE) Object.assign(head, UNKNOWN)
      }
      return heads
    }
    const heads = await read(ACTIVE, [Math.floor(from / RECENT), arrayLiteral([...open.keys()])])
    heads.sort(byRisk)
    // Only by how many events there were are those told apart that are alike in all else.
    const last = heads[Math.min(limit, heads.length) - 1]
    const candidates = last ? heads.filter((head) => byRisk(head, last) <= 0) : []
    await readCounts(query, candidates, from)
    let shown = candidates.sort(inOrder).slice(0, limit)
    // Of all others nothing is known but their names.
    if (shown.length < limit || isSilent(shown.at(-1)!)) {
      const others = await read(SILENT, [arrayLiteral(heads.map(({ channelId }) => channelId)), limit])
      await readCounts(query, others, from)
      shown = [...shown, ...others].sort(inOrder).slice(0, limit)
    }
    await Promise.all([readSilence(query, run, shown, from), readScores(query, shown, from)])
    return {
      now: end * BASE || null,
      items: shown.map(({ id: _, channelId: __, idleFrom: ___, events: ____, ...state }) => state),
    }
  },
})

/**
 * Each of some channels with one of its series, and what was last made of that. LIMIT keeps the planner from reading all channels,
 * and all signals, for the sake of some.
 */
const headsOf = (channels: string) => `SELECT s.*, g.*
  FROM (${channels}) a CROSS JOIN LATERAL (
    SELECT c.id AS channel, c.name, s.id, s.measure, CASE WHEN s.idle THEN s.next END AS idle_from
    FROM channels c JOIN series s ON s.channel = c.id WHERE c.id = a.channel
    ORDER BY s.first IS NULL, array_position('{${SHOWN}}'::text[], s.measure) LIMIT 1
  ) s LEFT JOIN LATERAL (
    SELECT start, count, expected, p, score, decision FROM latest_signals
    WHERE series = s.id AND resolution = ${BASE_SECONDS} LIMIT 1
  ) g ON true`
/** Those of run $1 of which there was a bin in what is shown, or some hours before, and those in $3. */
const ACTIVE = `SELECT channel FROM channel_spans
  WHERE run = (SELECT id FROM runs WHERE name = $1) AND last_${RECENT} >= $2
  UNION SELECT unnest($3::int[])`
/** The first $3 of run $1 by name, without those in $2. */
const SILENT = `SELECT c.id AS channel FROM channels c
  WHERE c.run = (SELECT id FROM runs WHERE name = $1) AND c.id <> ALL ($2::int[])
    AND EXISTS (SELECT FROM series s WHERE s.channel = c.id)
  ORDER BY left(c.name, 500), c.name LIMIT $3`

async function readHeads(query: Query, channels: string, values: unknown[]): Promise<Candidate[]> {
  const { rows } = await query(headsOf(channels), values)
  return rows.map(
    (row) =>
      ({
        ...{ channel: row.name, alerts: [], series: `${row.measure}:${row.name}` },
        ...{ score: row.score, p: row.p, count: row.count, expected: row.expected },
        ...{ at: row.start, decision: row.decision, recent: [], scores: [] },
        ...{ id: row.id, channelId: row.channel, idleFrom: row.idle_from, events: 0 },
      }) as unknown as Candidate,
  )
}

/** Open alerts of a run by channel, worst first. */
async function readOpen(query: Query, run: string): Promise<Map<number, OpenAlert[]>> {
  const { rows } = await query(
    `SELECT channel AS id, fingerprint, kind, severity, opened_at FROM alerts
     WHERE run = (SELECT id FROM runs WHERE name = $1) AND state = 'open'
     ORDER BY array_position('{${SEVERITIES}}'::text[], severity) DESC, array_position('{${ALERT_KINDS}}'::text[], kind),
       opened_at DESC, fingerprint`,
    [run],
  )
  return grouped(
    rows,
    ({ fingerprint: id, kind: type, severity, opened_at: openedAt }) =>
      ({ id, type, severity, openedAt }) as OpenAlert,
  )
}

/** Open early warnings before onsets, collapses, others and none; then the greater score, then the lesser p-value. */
function byRisk(a: Candidate, b: Candidate): number {
  return kindOf(a) - kindOf(b) || (b.score ?? -1) - (a.score ?? -1) || (a.p ?? 2) - (b.p ?? 2)
}

const inOrder = (a: Candidate, b: Candidate): number =>
  byRisk(a, b) || b.events - a.events || Buffer.compare(Buffer.from(a.channel), Buffer.from(b.channel))

/** Nothing is known of it, as of channels that have been silent for long. */
const isSilent = ({ alerts, score, p, events }: Candidate): boolean =>
  alerts.length === 0 && score === null && p === null && events === 0

const kindOf = ({ alerts }: Candidate): number =>
  Math.min(ALERT_KINDS.length + 1, ...alerts.map(({ type }) => kindOrder(type)))

const nothing = () => Array<number | null>(RECENT).fill(null)
const idsOf = (states: Candidate[]) => arrayLiteral(states.map(({ id }) => id))

type Bins = [from: number, to: number]

/** Sets the counts of `bins`; the first of all is that of bin `from`. */
function put(counts: (number | null)[], from: number, value: number | null, bins: Bins): void {
  counts.fill(value, Math.max(0, bins[0] - from), Math.max(0, bins[1] - from))
}

/**
 * Counts of the bins that were stored, without those with a gap. Not by the view `bins`, and a row for each series: this
 * is asked every second or so, and takes a fifth of the time.
 */
async function readCounts(query: Query, states: Candidate[], from: number): Promise<void> {
  const { rows } = await query(
    `SELECT id, array_agg(bin) AS bins, array_agg(n) AS lengths,
       array_agg(CASE WHEN NOT masked AND covered > 0 THEN count::float8 END) AS counts
     FROM (
       SELECT series AS id, bin, n, count, covered, masked FROM counts
       WHERE series = ANY ($1::int[]) AND bin >= $2 AND bin < $3
       UNION ALL
       SELECT g.id, before.* FROM unnest($1::int[]) g (id) CROSS JOIN LATERAL (
         SELECT bin, n, count, covered, masked FROM counts WHERE series = g.id AND bin < $2 ORDER BY bin DESC LIMIT 1
       ) before WHERE before.bin + before.n > $2
       UNION ALL
       SELECT id, tail, next - tail, tail_count, tail_covered, tail_masked FROM series
       WHERE id = ANY ($1::int[]) AND tail < $3 AND next > $2
     ) b GROUP BY id`,
    [idsOf(states), from, from + RECENT],
  )
  type Counts = { bins: number[]; lengths: number[]; counts: (number | null)[] }
  const stored = new Map(rows.map((row) => [row.id as number, row as Counts]))
  for (const one of states) {
    one.recent = nothing()
    const { bins, lengths, counts } = stored.get(one.id) ?? { bins: [], lengths: [], counts: [] }
    for (const [i, bin] of bins.entries()) put(one.recent, from, counts[i]!, [bin, bin + lengths[i]!])
    one.events = one.recent.reduce<number>((sum, n) => sum + (n ?? 0), 0)
  }
}

/** Zeros of those that are idle, as far as the source has spoken of them; what it has not seen meanwhile isn't zero. */
async function readSilence(query: Query, run: string, shown: Candidate[], from: number): Promise<void> {
  const idle = shown.filter(({ idleFrom }) => idleFrom !== null)
  const [said, missed] = await Promise.all([
    query(
      `SELECT s.id, ${SAID_TO} AS said_to FROM series s JOIN channels c ON c.id = s.channel
       LEFT JOIN channels w ON w.run = (SELECT id FROM runs WHERE name = $3) AND w.key = $2
       WHERE s.id = ANY ($1::int[])`,
      [idsOf(idle), keyOf(NETWORK), run],
    ),
    query(
      'SELECT series AS id, "from", "to" FROM unknown_spans WHERE series = ANY ($1::int[]) AND "to" > $2',
      [idsOf(shown), from * BASE],
    ),
  ])
  const saidTo = new Map(said.rows.map((row) => [row.id as number, row.said_to as number | null]))
  for (const { id, idleFrom, recent } of idle) {
    put(recent, from, 0, [idleFrom!, saidTo.get(id) ?? from + RECENT])
  }
  const unknown = grouped(
    missed.rows,
    (row): Bins => [Math.floor((row.from as number) / BASE), Math.ceil((row.to as number) / BASE)],
  )
  for (const { id, recent } of shown) {
    for (const bins of unknown.get(id) ?? []) put(recent, from, null, bins)
  }
}

async function readScores(query: Query, shown: Candidate[], from: number): Promise<void> {
  const { rows } = await query(
    `SELECT series AS id, array_agg((start / ${BASE} - $2)::int) AS bins, array_agg(score) AS scores FROM signals
     WHERE series = ANY ($1::int[]) AND resolution = ${BASE_SECONDS}
       AND start >= $2 * ${BASE}::bigint AND start < ($2 + ${RECENT}) * ${BASE}::bigint AND score IS NOT NULL
     GROUP BY series`,
    [idsOf(shown), from],
  )
  type Scores = { bins: number[]; scores: number[] }
  const stored = new Map(rows.map((row) => [row.id as number, row as Scores]))
  for (const one of shown) {
    one.scores = nothing()
    const { bins, scores } = stored.get(one.id) ?? { bins: [], scores: [] }
    for (const [i, bin] of bins.entries()) one.scores[bin] = scores[i]!
  }
}
