-- Strangers name channels, and most soon fall silent: what is asked every second must not read all of them. Kept by the table
-- that it is of, whoever writes there.
SET LOCAL lock_timeout = '5s';
-- Who still writes as the older release does has committed, or waits: each of its bins is below, or passes the triggers.
LOCK TABLE series IN SHARE ROW EXCLUSIVE MODE;

-- The end of each run's last bin is the greatest of these. Each writer raises a row of its own, or one of few: so none waits for
-- another's commit. Who would not raise it locks nothing.
CREATE TABLE horizons (
  run integer NOT NULL,
  writer integer NOT NULL,
  next integer NOT NULL,
  PRIMARY KEY (run, writer)
) WITH (fillfactor = 40);

-- The channels that have bins: the first one of any series, and the six hours (72 bins) in which `next` of one lies that is as
-- far as any. So a row, and an index, changes once in six hours; an index over `next` would change with every bin.
CREATE TABLE channel_spans (
  channel integer PRIMARY KEY,
  run integer NOT NULL,
  first integer NOT NULL,
  last_72 integer NOT NULL
) WITH (fillfactor = 40);

INSERT INTO horizons
SELECT c.run, 0, max(s.next) FROM series s JOIN channels c ON c.id = s.channel WHERE s.next IS NOT NULL GROUP BY c.run;
INSERT INTO channel_spans
SELECT c.id, c.run, min(s.first), max(s.next) / 72 FROM series s JOIN channels c ON c.id = s.channel
WHERE s.next IS NOT NULL GROUP BY c.id;
CREATE INDEX channel_spans_first ON channel_spans (run, first);
CREATE INDEX channel_spans_last ON channel_spans (run, last_72);

CREATE FUNCTION note_span() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO channel_spans AS s SELECT id, run, NEW.first, NEW.next / 72 FROM channels WHERE id = NEW.channel
  ON CONFLICT (channel) DO UPDATE
  SET first = least(s.first, excluded.first), last_72 = greatest(s.last_72, excluded.last_72)
  WHERE s.first > excluded.first OR s.last_72 < excluded.last_72;
  RETURN NULL;
END $$;
CREATE TRIGGER span_begun AFTER INSERT ON series FOR EACH ROW
  WHEN (NEW.next IS NOT NULL) EXECUTE FUNCTION note_span();
CREATE TRIGGER span_gone_on AFTER UPDATE ON series FOR EACH ROW
  WHEN (NEW.next / 72 IS DISTINCT FROM OLD.next / 72) EXECUTE FUNCTION note_span();

-- A statement writes series of one run.
CREATE FUNCTION raise_horizon() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO horizons AS h
  SELECT c.run, pg_backend_pid() % 16, a.next
  FROM (SELECT channel, next FROM after WHERE next IS NOT NULL ORDER BY next DESC LIMIT 1) a
  JOIN channels c ON c.id = a.channel
  WHERE NOT EXISTS (SELECT FROM horizons h WHERE h.run = c.run AND h.next >= a.next)
  ON CONFLICT (run, writer) DO UPDATE SET next = excluded.next WHERE h.next < excluded.next;
  RETURN NULL;
END $$;
CREATE TRIGGER horizon_begun AFTER INSERT ON series REFERENCING NEW TABLE AS after
  FOR EACH STATEMENT EXECUTE FUNCTION raise_horizon();
CREATE TRIGGER horizon_gone_on AFTER UPDATE ON series REFERENCING NEW TABLE AS after
  FOR EACH STATEMENT EXECUTE FUNCTION raise_horizon();

-- By name, which may be longer than an index allows.
CREATE INDEX channels_by_name ON channels (run, left(name, 500));

-- How many events came too late for their bins, by measure; `before_all`: those of them for no bin that was remembered.
LOCK TABLE late IN SHARE ROW EXCLUSIVE MODE;
CREATE TABLE late_totals (
  run integer NOT NULL,
  measure text COLLATE "C" NOT NULL,
  count bigint NOT NULL,
  before_all bigint NOT NULL,
  PRIMARY KEY (run, measure)
) WITH (fillfactor = 40);

-- Adds what changed, or takes it away: the argument is 1 or -1.
CREATE FUNCTION count_late() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  sign CONSTANT integer := TG_ARGV[0];
BEGIN
  -- LIMIT keeps the planner from reading all series for the sake of some. In order: no two writers wait for each other.
  INSERT INTO late_totals AS t
  SELECT s.run, s.measure, sign * sum(l.count), sign * coalesce(sum(l.count) FILTER (WHERE l.start < 0), 0)
  FROM changed l CROSS JOIN LATERAL (
    SELECT c.run, s.measure FROM series s JOIN channels c ON c.id = s.channel WHERE s.id = l.series LIMIT 1
  ) s GROUP BY s.run, s.measure ORDER BY s.run, s.measure
  ON CONFLICT (run, measure) DO UPDATE
  SET count = t.count + excluded.count, before_all = t.before_all + excluded.before_all;
  RETURN NULL;
END $$;
CREATE TRIGGER counted_new AFTER INSERT ON late REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION count_late('1');
CREATE TRIGGER counted_gone AFTER DELETE ON late REFERENCING OLD TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION count_late('-1');
CREATE TRIGGER counted_before AFTER UPDATE ON late REFERENCING OLD TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION count_late('-1');
CREATE TRIGGER counted_after AFTER UPDATE ON late REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION count_late('1');
INSERT INTO late_totals
SELECT c.run, s.measure, sum(l.count), coalesce(sum(l.count) FILTER (WHERE l.start < 0), 0)
FROM late l JOIN series s ON s.id = l.series JOIN channels c ON c.id = s.channel GROUP BY c.run, s.measure;
