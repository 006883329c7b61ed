-- A run that is being deleted, in slices: nobody sees it or writes to it any more.
SET LOCAL lock_timeout = '5s';
ALTER TABLE runs ADD COLUMN deleting boolean NOT NULL DEFAULT false;
