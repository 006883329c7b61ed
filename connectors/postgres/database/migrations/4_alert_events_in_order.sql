-- Alert events in the order in which they are committed, so that whoever has read up to `place` has missed nothing.
-- A number alone does not do that: two partitions write at once, and the one that drew the smaller number may commit last.
-- Here whoever inserts alert events waits for its turn first and draws numbers then; the lock is let go when its
-- transaction has ended and is visible. So what is visible is always a beginning of the order. Numbers may be left out.
ALTER TABLE alert_events ADD COLUMN place bigint GENERATED ALWAYS AS IDENTITY;
CREATE UNIQUE INDEX alert_events_in_order ON alert_events (run, place);

CREATE FUNCTION wait_for_turn() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(TG_RELID::bigint);
  RETURN NULL;
END $$;
-- Before the statement: the numbers are drawn as its rows are made.
CREATE TRIGGER in_turn BEFORE INSERT ON alert_events FOR EACH STATEMENT EXECUTE FUNCTION wait_for_turn();

-- By what the alerts of a day are ranked: of the last event, the greatest score of its evidence; of the opening one, the
-- least p-value.
ALTER TABLE alerts
  ADD COLUMN day integer NOT NULL GENERATED ALWAYS AS ((opened_at / 86400000)::integer) STORED,
  ADD COLUMN score double precision,
  ADD COLUMN p double precision;
CREATE INDEX alerts_of_day ON alerts (run, kind, day);
UPDATE alerts a
SET score = (
    SELECT max((x ->> 'score')::double precision) FROM alert_events e, jsonb_array_elements(e.evidence) x
    WHERE e.fingerprint = a.fingerprint AND e.sequence = a.sequence),
  p = (
    SELECT min((x ->> 'p')::double precision) FROM alert_events e, jsonb_array_elements(e.evidence) x
    WHERE e.fingerprint = a.fingerprint AND e.sequence = 1);
