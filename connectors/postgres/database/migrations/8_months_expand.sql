-- What grows with time stands in months: rows of run `live` in the month in which they are stored, so that the past is
-- dropped a table at a time; rows of named runs in month 0, which is kept until the run is deleted. What was stored before
-- stands in month 0, too. Three steps, each with short locks, while the release before goes on writing:
-- here the column (no row is touched) and what says of it that it is 0.
SET LOCAL lock_timeout = '5s';
ALTER TABLE signals ADD COLUMN month smallint NOT NULL DEFAULT 0, ADD CONSTRAINT signals_month CHECK (month = 0) NOT VALID;
ALTER TABLE counts ADD COLUMN month smallint NOT NULL DEFAULT 0, ADD CONSTRAINT counts_month CHECK (month = 0) NOT VALID;
ALTER TABLE casts ADD COLUMN month smallint NOT NULL DEFAULT 0, ADD CONSTRAINT casts_month CHECK (month = 0) NOT VALID;

-- Of what grows slowly: since when it is there, for the same end.
ALTER TABLE gaps ADD COLUMN stored_at timestamptz NOT NULL DEFAULT now();
ALTER TABLE unknown_spans ADD COLUMN stored_at timestamptz NOT NULL DEFAULT now();
ALTER TABLE late ADD COLUMN stored_at timestamptz NOT NULL DEFAULT now();
ALTER TABLE removals ADD COLUMN stored_at timestamptz NOT NULL DEFAULT now();
