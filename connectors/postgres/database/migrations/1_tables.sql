-- The tables of fcm. Times are in ms since the Unix epoch; a `bin` is a time divided by the base bin's length (300 s).
-- Rows stand under the identity of the record that they come from, so that a record that comes again changes nothing. Orders are bytewise (COLLATE "C"), never those of a language.

-- A run is one isolated processing of one input. Everything below belongs to one.
CREATE TABLE runs (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text COLLATE "C" NOT NULL UNIQUE,
  created_at timestamptz NOT NULL DEFAULT now()
);

-- Channels by their names, which may be longer than an index allows: `key` is the SHA-256 of the name.
CREATE TABLE channels (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  run integer NOT NULL REFERENCES runs,
  key bytea NOT NULL,
  name text COLLATE "C" NOT NULL,
  UNIQUE (run, key)
);

-- A series, and its tail: the bins from `tail` up to `next`, all of one (count, covered, masked). It grows in place
-- and becomes a row of `counts` when a bin differs, so `counts` is only ever inserted into.
--   next    begin of the bin that is to come; a bin before it was applied already
--   idle    since `next` the series has been idle: zeros over covered time until its next bin
-- The fill factor leaves room for in-page (HOT) updates: the embedded database has no autovacuum.
CREATE TABLE series (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  channel integer NOT NULL REFERENCES channels,
  measure text COLLATE "C" NOT NULL,
  first integer,
  last_event integer,
  total bigint NOT NULL DEFAULT 0,
  next integer,
  idle boolean NOT NULL DEFAULT false,
  tail integer,
  tail_count bigint NOT NULL DEFAULT 0,
  tail_covered double precision NOT NULL DEFAULT 0,
  tail_masked boolean NOT NULL DEFAULT false,
  UNIQUE (channel, measure)
) WITH (fillfactor = 40);

-- `n` successive bins from `bin` on that are all the same: most are empty, and an empty stretch is one row.
-- idle: they were never written as bins; an Idle record stands for them.
CREATE TABLE counts (
  series integer NOT NULL,
  bin integer NOT NULL,
  n integer NOT NULL,
  count bigint NOT NULL,
  covered double precision NOT NULL,
  masked boolean NOT NULL,
  idle boolean NOT NULL,
  PRIMARY KEY (series, bin)
);

-- All bins of all series: those put away, and the tails.
CREATE VIEW bins AS
  SELECT series, bin, n, count, covered, masked, idle FROM counts
  UNION ALL
  SELECT id, tail, next - tail, tail_count, tail_covered, tail_masked, false FROM series WHERE tail < next;

-- Gaps inside idle time: these spans are not zeros.
CREATE TABLE unknown_spans (
  series integer NOT NULL,
  "from" bigint NOT NULL,
  "to" bigint NOT NULL,
  reason text,
  PRIMARY KEY (series, "from")
);

-- Arrivals for closed bins; the greatest count stands. start -1: before all that is remembered.
CREATE TABLE late (
  series integer NOT NULL,
  start bigint NOT NULL,
  count bigint NOT NULL,
  PRIMARY KEY (series, start)
);

CREATE TABLE signals (
  series integer NOT NULL,
  resolution integer NOT NULL,
  start bigint NOT NULL,
  count bigint NOT NULL,
  expected double precision,
  dispersion double precision,
  residual double precision,
  variance double precision,
  autocorrelation double precision,
  raw_variance double precision,
  raw_autocorrelation double precision,
  variance_trend double precision,
  autocorrelation_trend double precision,
  p_variance double precision,
  p_autocorrelation double precision,
  p double precision,
  score double precision,
  decision text NOT NULL,
  reason text NOT NULL,
  settings text NOT NULL,
  PRIMARY KEY (series, resolution, start)
);

-- Detection facts: inserted, never changed. What an alert is now is derived from its last event.
CREATE TABLE alert_events (
  fingerprint text COLLATE "C" NOT NULL,
  sequence integer NOT NULL,
  run integer NOT NULL,
  channel integer NOT NULL,
  event text NOT NULL,
  kind text NOT NULL,
  severity text NOT NULL,
  time bigint NOT NULL,
  opened_at bigint NOT NULL,
  measure text NOT NULL,
  resolution integer NOT NULL,
  start bigint NOT NULL,
  reason text NOT NULL,
  evidence jsonb NOT NULL,
  preset text NOT NULL,
  settings text NOT NULL,
  PRIMARY KEY (fingerprint, sequence)
);

-- What each alert is after its last event: a digest of alert_events, kept so that lists need not derive it each time.
-- Everything else about an alert is read from the event that `sequence` names.
CREATE TABLE alerts (
  fingerprint text COLLATE "C" PRIMARY KEY,
  run integer NOT NULL,
  channel integer NOT NULL,
  kind text NOT NULL,
  opened_at bigint NOT NULL,
  sequence integer NOT NULL,
  severity text NOT NULL,
  state text NOT NULL
);
CREATE INDEX alerts_newest ON alerts (run, opened_at DESC, fingerprint DESC);
CREATE INDEX alerts_open ON alerts (run, opened_at DESC, fingerprint DESC) WHERE state = 'open';
CREATE INDEX alerts_by_channel ON alerts (channel, opened_at DESC, fingerprint DESC);

-- The one place of cast text.
CREATE TABLE casts (
  run integer NOT NULL,
  hash bytea NOT NULL,
  channel integer NOT NULL,
  fid bigint NOT NULL,
  time bigint,
  text text,
  removed boolean NOT NULL DEFAULT false,
  parent_hash bytea,
  urls text[] NOT NULL DEFAULT '{}',
  stored_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (run, hash)
);
CREATE INDEX casts_newest ON casts (channel, time DESC, hash DESC);
CREATE INDEX casts_expiring ON casts (stored_at) WHERE text IS NOT NULL;

-- Spans that the source declares missing: of one channel, or of all ('*', which comes once in every partition).
CREATE TABLE gaps (
  channel integer NOT NULL,
  measure text COLLATE "C" NOT NULL,
  "from" bigint NOT NULL,
  "to" bigint NOT NULL,
  reason text,
  PRIMARY KEY (channel, measure, "from")
);
