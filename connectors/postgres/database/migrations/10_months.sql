-- The tables become month 0 of tables in months. Whoever knows nothing of months goes on writing into 0.
-- No key spans the months: each has its own, and writers look into the others.
SET LOCAL lock_timeout = '5s';
ALTER TABLE signals RENAME TO signals_0;
ALTER INDEX signals_pkey RENAME TO signals_0_pkey;
CREATE TABLE signals (LIKE signals_0 INCLUDING DEFAULTS) PARTITION BY RANGE (month);
ALTER TABLE signals ATTACH PARTITION signals_0 FOR VALUES FROM (0) TO (1);

ALTER TABLE counts RENAME TO counts_0;
ALTER INDEX counts_pkey RENAME TO counts_0_pkey;
CREATE TABLE counts (LIKE counts_0 INCLUDING DEFAULTS) PARTITION BY RANGE (month);
ALTER TABLE counts ATTACH PARTITION counts_0 FOR VALUES FROM (0) TO (1);
CREATE OR REPLACE VIEW bins AS
  SELECT series, bin, n, count, covered, masked, idle FROM counts
  UNION ALL
  SELECT id, tail, next - tail, tail_count, tail_covered, tail_masked, false FROM series WHERE tail < next;

ALTER TABLE casts RENAME TO casts_0;
ALTER INDEX casts_pkey RENAME TO casts_0_pkey;
ALTER INDEX casts_newest RENAME TO casts_0_newest;
ALTER INDEX casts_expiring RENAME TO casts_0_expiring;
CREATE TABLE casts (LIKE casts_0 INCLUDING DEFAULTS) PARTITION BY RANGE (month);
ALTER TABLE casts ATTACH PARTITION casts_0 FOR VALUES FROM (0) TO (1);

-- The casts of all months but 0 by their hash: a cast is stored once, whichever month it comes again in.
CREATE TABLE cast_hashes (
  run integer NOT NULL,
  hash bytea NOT NULL,
  month smallint NOT NULL,
  PRIMARY KEY (run, hash)
);
CREATE INDEX cast_hashes_of_month ON cast_hashes (month);

-- The last signal of each series and resolution: what an overview shows. Whoever writes signals changes these rows first, so
-- that two who write the same series do it one after the other.
CREATE TABLE latest_signals (
  series integer NOT NULL,
  resolution integer NOT NULL,
  start bigint NOT NULL,
  count bigint NOT NULL,
  expected double precision,
  p double precision,
  score double precision,
  decision text NOT NULL,
  PRIMARY KEY (series, resolution)
) WITH (fillfactor = 40);
INSERT INTO latest_signals
  SELECT s.id, r.resolution, g.* FROM series s CROSS JOIN (VALUES (300), (3600), (21600)) r (resolution) CROSS JOIN LATERAL (
    SELECT start, count, expected, p, score, decision FROM signals_0
    WHERE series = s.id AND resolution = r.resolution ORDER BY start DESC LIMIT 1
  ) g;

-- Since when there are months: what stands in month 0 of run `live` is no younger.
CREATE TABLE months_since (month smallint NOT NULL);
INSERT INTO months_since VALUES (extract(year FROM now()) * 12 + extract(month FROM now()) - 1);

CREATE FUNCTION month_table(of text, month integer) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT format('%s_%s_%s', of, month / 12, lpad((month % 12 + 1)::text, 2, '0'))
$$;

-- Makes the tables of a month (year x 12 + month - 1) where they are missing: beside the others, and then attached. That waits for
-- no reader, such as a backup that takes an hour, while CREATE TABLE ... PARTITION OF would wait for all of them, and everybody
-- else for it; nor does this wait long for anybody. With its owner's rights: who writes rows need not own tables.
CREATE FUNCTION make_month(month integer) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
SET lock_timeout = '2s' AS $$
DECLARE
  keys CONSTANT text[][] := ARRAY [['signals', 'series, resolution, start'], ['counts', 'series, bin'], ['casts', 'run, hash']];
  name text;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('make_month', 0));
  FOR i IN 1 .. array_length(keys, 1) LOOP
    name := month_table(keys[i][1], month);
    CONTINUE WHEN to_regclass(name) IS NOT NULL;
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS)', name, keys[i][1]);
    EXECUTE format('ALTER TABLE %I ADD PRIMARY KEY (%s)', name, keys[i][2]);
    IF keys[i][1] = 'casts' THEN
      EXECUTE format('CREATE INDEX ON %I (channel, time DESC, hash DESC)', name);
      EXECUTE format('CREATE INDEX ON %I (stored_at) WHERE text IS NOT NULL', name);
    END IF;
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)', keys[i][1], name, month, month + 1);
  END LOOP;
END $$;

-- Drops the tables of months from 1 to before `month`; returns how many. Waits for no reader longer than the lock may take.
CREATE FUNCTION drop_months(before integer) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
SET lock_timeout = '2s' AS $$
DECLARE
  dropped integer := 0;
  one record;
BEGIN
  FOR one IN
    SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = ANY (ARRAY ['signals', 'counts', 'casts']::regclass[])
      AND c.relname ~ '_[0-9]+_[0-9]{2}$'
      AND (regexp_match(c.relname, '_([0-9]+)_[0-9]{2}$'))[1]::integer * 12
        + (regexp_match(c.relname, '_([0-9]{2})$'))[1]::integer - 1 < before
  LOOP
    EXECUTE format('DROP TABLE %I', one.name);
    dropped := dropped + 1;
  END LOOP;
  RETURN dropped;
END $$;
