-- What a source that polls did and saw.

-- Its requests by channel ('*': whole rounds) and hour (ms / 3,600,000) of its clock: sums, and the last poll in full.
--   at       the last poll that is in the sums; an older one was applied already
--   error    what that one was told where it failed
--   complete the measures of which every poll that was due came through, with commas
--   next     the next round begins no earlier
CREATE TABLE polls (
  channel integer NOT NULL,
  hour integer NOT NULL,
  at bigint NOT NULL,
  requests bigint NOT NULL,
  failed bigint NOT NULL,
  last_requests integer NOT NULL,
  last_failed integer NOT NULL,
  error text,
  complete text NOT NULL,
  next bigint,
  PRIMARY KEY (channel, hour)
) WITH (fillfactor = 40);
-- Lists of all channels begin with the earliest.
CREATE INDEX polls_earliest ON polls (hour);
CREATE INDEX gaps_earliest ON gaps ("from");

-- How far it has spoken: of each channel that it follows by name, and of the whole ('*'). What of [from, to) is a gap
-- stands in `gaps`.
--   to          of what was said to be covered or a gap; null: nothing was
--   covered_to  where the last covered span ends
--   decided_to  of the whole: every channel that it follows has been spoken of up to here
CREATE TABLE coverage (
  channel integer NOT NULL,
  measure text COLLATE "C" NOT NULL,
  "from" bigint NOT NULL,
  "to" bigint,
  covered_to bigint,
  decided_to bigint,
  PRIMARY KEY (channel, measure)
) WITH (fillfactor = 40);
