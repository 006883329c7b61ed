-- The outbox: everything that happens to alerts, one order per run, whichever process writes. Whoever has read up to a place
-- has missed nothing. It stands beside the tables that it is of, and is written by them, so nobody can write one without
-- the other.
SET LOCAL lock_timeout = '5s';
-- Who still writes as the older release does has committed, or waits: each of its events is below, or passes the trigger.
LOCK TABLE alert_events IN SHARE ROW EXCLUSIVE MODE;

-- What people did, as it stands in the log (topic `desk`): appended, never changed.
CREATE TABLE desk_actions (
  run integer NOT NULL,
  id text COLLATE "C" NOT NULL,
  alert text COLLATE "C" NOT NULL,
  action text NOT NULL,
  by text NOT NULL,
  at bigint NOT NULL,
  details text NOT NULL,
  PRIMARY KEY (run, id)
);
CREATE INDEX desk_actions_of_alert ON desk_actions (alert, at);

-- The last place of each run. Its row is locked until the transaction that takes places has ended: so places are in the
-- order of the commits, without holes, and what is visible is always a beginning.
--   epoch    begins anew when this may be another database than the one that gave out the last place; n counts from 1 in it
--   origin   what that was: see outbox_origin
--   expired  the last place that was deleted by age; all before it were, too
CREATE TABLE outbox (
  run integer PRIMARY KEY,
  epoch bigint NOT NULL,
  n bigint NOT NULL,
  origin text NOT NULL,
  expired_epoch bigint NOT NULL DEFAULT 0,
  expired_n bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 40);

--   kind      event: of an alert, `sequence`; action: what a person did, `action`, and `sequence` is that of the last
--             event of the alert then (null: it had none)
CREATE TABLE changes (
  run integer NOT NULL,
  epoch bigint NOT NULL,
  n bigint NOT NULL,
  kind text NOT NULL,
  alert text COLLATE "C" NOT NULL,
  sequence integer,
  action text COLLATE "C",
  at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (run, epoch, n)
);

-- A database that was restored, from a dump or as files, has a server that was started later, or another name, or other files.
-- It has forgotten places that were given out, and must not give them out for something else.
CREATE FUNCTION outbox_origin() RETURNS text LANGUAGE sql STABLE AS $$
  SELECT concat_ws('/', extract(epoch FROM pg_postmaster_start_time()),
    (SELECT oid FROM pg_database WHERE datname = current_database()), pg_relation_filenode('outbox'))
$$;

-- Waits until nobody else takes places of the run.
CREATE FUNCTION open_outbox(of_run integer) RETURNS void LANGUAGE sql AS $$
  INSERT INTO outbox AS o (run, epoch, n, origin)
  VALUES (of_run, extract(epoch FROM clock_timestamp())::bigint, 0, outbox_origin())
  ON CONFLICT (run) DO UPDATE SET
    epoch = CASE WHEN o.origin = excluded.origin THEN o.epoch ELSE greatest(o.epoch + 1, excluded.epoch) END,
    n = CASE WHEN o.origin = excluded.origin THEN o.n ELSE 0 END,
    origin = excluded.origin
$$;

-- Takes so many places of a run; the epoch, and the n before the first.
CREATE FUNCTION take_places(of_run integer, many bigint, OUT in_epoch bigint, OUT behind bigint) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM open_outbox(of_run);
  UPDATE outbox o SET n = o.n + many WHERE o.run = of_run RETURNING o.epoch, o.n - many INTO in_epoch, behind;
END $$;

CREATE FUNCTION note_alert_events() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  one record;
  place record;
BEGIN
  FOR one IN SELECT run, count(*) AS many FROM added GROUP BY run ORDER BY run LOOP
    SELECT * INTO place FROM take_places(one.run, one.many);
    INSERT INTO changes (run, epoch, n, kind, alert, sequence)
    SELECT a.run, place.in_epoch, place.behind + row_number() OVER (), 'event', a.fingerprint, a.sequence
    FROM added a WHERE a.run = one.run;
  END LOOP;
  RETURN NULL;
END $$;

CREATE FUNCTION note_desk_actions() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  one record;
  place record;
BEGIN
  FOR one IN SELECT run, count(*) AS many FROM added GROUP BY run ORDER BY run LOOP
    SELECT * INTO place FROM take_places(one.run, one.many);
    INSERT INTO changes (run, epoch, n, kind, alert, sequence, action)
    SELECT d.run, place.in_epoch, place.behind + row_number() OVER (), 'action', d.alert,
      (SELECT max(e.sequence) FROM alert_events e WHERE e.fingerprint = d.alert AND e.run = d.run), d.id
    FROM added d WHERE d.run = one.run;
  END LOOP;
  RETURN NULL;
END $$;

-- What older releases have written keeps its order, in an epoch of its own. `place` is not read any more; the next release
-- drops it.
INSERT INTO outbox (run, epoch, n, origin) SELECT run, 1, count(*), '' FROM alert_events GROUP BY run;
INSERT INTO changes (run, epoch, n, kind, alert, sequence, at)
SELECT run, 1, row_number() OVER (PARTITION BY run ORDER BY place), 'event', fingerprint, sequence,
  to_timestamp(time / 1000.0)
FROM alert_events;

-- One lock for all runs held up live alerts while a backfill wrote.
DROP TRIGGER in_turn ON alert_events;
DROP FUNCTION wait_for_turn();
CREATE TRIGGER in_outbox AFTER INSERT ON alert_events REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION note_alert_events();
CREATE TRIGGER in_outbox AFTER INSERT ON desk_actions REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION note_desk_actions();
