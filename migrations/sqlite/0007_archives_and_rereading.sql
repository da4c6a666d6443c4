-- The documents of an archive are jobs of their own, which name the archive's; and a job may be to read once more what is in
-- already. The PostgreSQL file of the same name does the same.

ALTER TABLE jobs ADD COLUMN parent TEXT REFERENCES jobs (id);
CREATE INDEX jobs_of_parent ON jobs (parent, created_at, id) WHERE parent IS NOT NULL;
ALTER TABLE jobs ADD COLUMN forced INTEGER NOT NULL DEFAULT 0 CHECK (forced IN (0, 1));
