-- The documents of an archive are jobs of their own, which name the archive's. The SQLite file of the same name does
-- the same.

ALTER TABLE jobs ADD COLUMN parent TEXT REFERENCES jobs (id);
CREATE INDEX jobs_of_parent ON jobs (parent, created_at, id) WHERE parent IS NOT NULL;
