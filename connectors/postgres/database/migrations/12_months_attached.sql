-- A month's tables are made beside the others, and then attached: that waits for no reader, such as a backup that takes an
-- hour, while CREATE TABLE ... PARTITION OF would wait for all of them, and everybody else for it. Nobody waits long here.
CREATE OR REPLACE FUNCTION make_month(month integer) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
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
