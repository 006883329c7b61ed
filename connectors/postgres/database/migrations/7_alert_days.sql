-- How many alerts of a kind opened on a day, by their severity of now: what a daily cap leaves out is reckoned from that,
-- where counting would read all alerts. Kept by the table that it is of, whoever writes there.
SET LOCAL lock_timeout = '5s';
CREATE TABLE alert_days (
  run integer NOT NULL,
  kind text NOT NULL,
  day integer NOT NULL,
  low integer NOT NULL,
  medium integer NOT NULL,
  high integer NOT NULL,
  PRIMARY KEY (run, kind, day)
) WITH (fillfactor = 40);

CREATE FUNCTION count_alerts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'INSERT' THEN
    UPDATE alert_days d SET low = d.low - g.low, medium = d.medium - g.medium, high = d.high - g.high
    FROM (
      SELECT run, kind, day, count(*) FILTER (WHERE severity = 'low') AS low,
        count(*) FILTER (WHERE severity = 'medium') AS medium, count(*) FILTER (WHERE severity = 'high') AS high
      FROM before GROUP BY run, kind, day
    ) g WHERE (d.run, d.kind, d.day) = (g.run, g.kind, g.day);
  END IF;
  IF TG_OP <> 'DELETE' THEN
    INSERT INTO alert_days AS d
    SELECT run, kind, day, count(*) FILTER (WHERE severity = 'low'), count(*) FILTER (WHERE severity = 'medium'),
      count(*) FILTER (WHERE severity = 'high')
    FROM after GROUP BY run, kind, day ORDER BY run, kind, day
    ON CONFLICT (run, kind, day) DO UPDATE
    SET low = d.low + excluded.low, medium = d.medium + excluded.medium, high = d.high + excluded.high;
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER counted_new AFTER INSERT ON alerts REFERENCING NEW TABLE AS after
  FOR EACH STATEMENT EXECUTE FUNCTION count_alerts();
CREATE TRIGGER counted_again AFTER UPDATE ON alerts REFERENCING OLD TABLE AS before NEW TABLE AS after
  FOR EACH STATEMENT EXECUTE FUNCTION count_alerts();
CREATE TRIGGER counted_gone AFTER DELETE ON alerts REFERENCING OLD TABLE AS before
  FOR EACH STATEMENT EXECUTE FUNCTION count_alerts();
INSERT INTO alert_days
SELECT run, kind, day, count(*) FILTER (WHERE severity = 'low'), count(*) FILTER (WHERE severity = 'medium'),
  count(*) FILTER (WHERE severity = 'high')
FROM alerts GROUP BY run, kind, day;

-- The alerts of a day, worst first: where the cap lies is read from its beginning.
CREATE INDEX alerts_worst ON alerts (run, kind, day, (-array_position('{low,medium,high}'::text[], severity)),
  (coalesce(-score, 'infinity')), (coalesce(p, 'infinity')), opened_at, fingerprint);
DROP INDEX alerts_of_day;
