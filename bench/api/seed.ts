/** A database as a large deployment has it after some months: made by the server itself, since a million alerts take long to write. */
import type { Query } from '../../connectors/postgres/database/database.ts'

export type Size = { alerts: number; signals: number; channels: number; days: number }

/** Base bins in a day. */
const BINS = 288

/**
 * Fills run `live`: alerts over `days` days up to `now` (ms), a bin or more ago each; signals of the busiest series, one a base
 * bin, back from `now` as far as they go; every channel with its five series. Rows look like those that `detect` makes.
 */
export async function seed(
  query: Query,
  size: Size,
  now: number,
  say: (what: string) => void,
): Promise<void> {
  const { alerts, signals, channels, days } = size
  const end = Math.floor(now / 300_000)
  say('channels and series')
  await query("INSERT INTO runs (name) VALUES ('live') ON CONFLICT DO NOTHING")
  await query(
    `INSERT INTO channels (run, key, name)
     SELECT r.id, sha256(convert_to(n.name, 'UTF8')), n.name
     FROM runs r, (SELECT 'https://example.org/channel/' || i AS name FROM generate_series(1, $1) i) n
     WHERE r.name = 'live'`,
    [channels],
  )
  await query(
    `INSERT INTO series (channel, measure, first, last_event, total, next, tail, tail_count, tail_covered)
     SELECT c.id, m, $1::int - $2::int, $1::int - 1, 100000 / c.id, $1::int, $1::int - 3, 1, 1
     FROM channels c, unnest('{posts,replies,casts,reactions,participants}'::text[]) m`,
    [end, days * BINS],
  )
  const perSeries = days * BINS
  const judged = Math.ceil(signals / perSeries)
  for (let month = 0; ; month++) {
    const first = new Date(now)
    first.setUTCMonth(first.getUTCMonth() - month, 1)
    await query('SELECT make_month($1)', [first.getUTCFullYear() * 12 + first.getUTCMonth()])
    if (first.getTime() < now - days * 86_400_000) break
  }
  const monthOf = (bin: string) =>
    `(extract(year FROM t) * 12 + extract(month FROM t) - 1)::smallint FROM to_timestamp(${bin} * 300.0) t`
  for (let done = 0; done < judged; done += 20) {
    say(`signals and counts of ${done} of ${judged} series`)
    await query(
      `INSERT INTO signals (series, resolution, start, count, expected, dispersion, residual, variance, autocorrelation,
         raw_variance, raw_autocorrelation, variance_trend, autocorrelation_trend, p_variance, p_autocorrelation, p, score,
         decision, reason, settings, month)
       SELECT s.id, 300, b * 300000::bigint, b % 17, 8.25, 0.2, 0.5, 1.25, 0.25, 12, 0.5, 0.1, 0.1, 0.5, 0.5, 0.5,
         (b % 1000) / 1000.0, 'quiet', 'score 0.25 (threshold 0.6), p 0.5 (0.7), excess 0.5 (0)', 'abcdef01',
         (SELECT ${monthOf('b')})
       FROM (SELECT id FROM series WHERE measure = 'casts' ORDER BY id LIMIT 20 OFFSET $1) s,
         generate_series($2::int - $3::int, $2::int - 1) b`,
      [done, end, perSeries],
    )
    await query(
      `INSERT INTO counts (series, bin, n, count, covered, masked, idle, month)
       SELECT s.id, b, 1, b % 17, 1, false, false, (SELECT ${monthOf('b')})
       FROM (SELECT id FROM series WHERE measure = 'casts' ORDER BY id LIMIT 20 OFFSET $1) s,
         generate_series($2::int - $3::int, $2::int - 4) b`,
      [done, end, perSeries],
    )
  }
  await query(
    `INSERT INTO latest_signals
     SELECT series, 300, start, count, expected, p, score, decision FROM signals WHERE start = ($1::int - 1) * 300000::bigint`,
    [end],
  )
  const slice = 50_000
  for (let done = 0; done < alerts; done += slice) {
    say(`alerts ${done} of ${alerts}`)
    await seedAlerts(query, Math.min(slice, alerts - done), done, size, end)
  }
  say('statistics')
  await query('VACUUM (ANALYZE)')
}

/** Each with an event that opened it and one that resolved it, but for the newest thousand, which are open. */
async function seedAlerts(
  query: Query,
  many: number,
  from: number,
  { alerts, channels, days }: Size,
  end: number,
): Promise<void> {
  const drawn = `(
    SELECT md5(i::text) AS fingerprint, r.id AS run, c.id AS channel,
      (ARRAY ['early-warning', 'onset', 'collapse'])[1 + i % 3] AS kind,
      (ARRAY ['low', 'medium', 'high'])[1 + (i * 7) % 3] AS severity,
      ($3::int - 1 - i::bigint * $4::int / $5::int) * 300000 AS opened_at, i >= 1000 AS resolved, i
    FROM generate_series($1::int, $1::int + $2::int - 1) i, runs r, channels c
    WHERE r.name = 'live' AND c.run = r.id AND c.id = (SELECT min(id) FROM channels) + (i * 31) % $6::int
  ) d`
  const values = [from, many, end, days * BINS, alerts, channels]
  await query(
    `INSERT INTO alert_events (fingerprint, sequence, run, channel, event, kind, severity, time, opened_at, measure, resolution,
       start, reason, evidence, preset, settings)
     SELECT d.fingerprint, e.sequence, d.run, d.channel, e.event, d.kind, d.severity, d.opened_at + e.sequence * 300000,
       d.opened_at, 'casts', 300, d.opened_at - 300000, 'casts per 5 min: CNN-LSTM score 0.75 (threshold 0.6, 2 bins in a row)',
       jsonb_build_array(jsonb_build_object('measure', 'casts', 'resolution', 300, 'start', d.opened_at - 300000, 'count', 31,
         'expected', 12.125, 'dispersion', 0.2, 'variance', 2.4, 'autocorrelation', 0.62, 'p', 0.001, 'score', 0.75,
         'reason', 'CNN-LSTM score 0.75')), 'calibrated', 'abcdef01'
     FROM ${drawn} CROSS JOIN (VALUES (1, 'opened'), (2, 'resolved')) e (sequence, event)
     WHERE e.sequence = 1 OR d.resolved ORDER BY d.i DESC, e.sequence`,
    values,
  )
  await query(
    `INSERT INTO alerts (fingerprint, run, channel, kind, opened_at, sequence, severity, state, score, p)
     SELECT d.fingerprint, d.run, d.channel, d.kind, d.opened_at, CASE WHEN d.resolved THEN 2 ELSE 1 END, d.severity,
       CASE WHEN d.resolved THEN 'resolved' ELSE 'open' END, (d.i % 1000) / 1000.0, 0.001
     FROM ${drawn}`,
    values,
  )
}
