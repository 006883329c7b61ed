-- Removals as facts of their own. A removal may name any hash, and whoever wrote it: only that by the cast's author
-- counts, whichever comes first. Before, the first one to come left a row in `casts` without time.
CREATE TABLE removals (
  run integer NOT NULL,
  hash bytea NOT NULL,
  fid bigint NOT NULL,
  PRIMARY KEY (run, hash, fid)
);
INSERT INTO removals SELECT run, hash, fid FROM casts WHERE removed;
DELETE FROM casts WHERE time IS NULL;
ALTER TABLE casts ALTER COLUMN time SET NOT NULL;
