-- An alert may be about anything: what it is about stands in `subject`, as in the log. null: a series, by `measure`,
-- `resolution` and `start`, as older releases wrote it; these are null where it is about something else. `evidence` holds
-- the evidence of any detector; without a `detector` it is of an older release.
SET LOCAL lock_timeout = '5s';
ALTER TABLE alert_events
  ADD COLUMN subject jsonb,
  ALTER COLUMN measure DROP NOT NULL,
  ALTER COLUMN resolution DROP NOT NULL,
  ALTER COLUMN start DROP NOT NULL;
