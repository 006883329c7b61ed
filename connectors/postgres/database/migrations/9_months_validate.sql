-- Reads the tables once, beside who writes, so that the next step need not.
SET LOCAL lock_timeout = '5s';
ALTER TABLE signals VALIDATE CONSTRAINT signals_month;
ALTER TABLE counts VALIDATE CONSTRAINT counts_month;
ALTER TABLE casts VALIDATE CONSTRAINT casts_month;
