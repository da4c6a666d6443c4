-- Jobs are leased: who works on one says so again and again, and another worker takes it when nobody does. They are tried
-- again later, and can be called off while they run. The PostgreSQL file of the same name does the same.

-- Made again, because SQLite cannot change the conditions of a table.
CREATE TABLE leased_jobs (
    id            TEXT    NOT NULL PRIMARY KEY,
    workspace     TEXT    NOT NULL REFERENCES workspaces (id),
    collection    TEXT    NOT NULL REFERENCES collections (id),
    source        TEXT    NOT NULL CHECK (source <> ''),
    content_hash  TEXT    NOT NULL CHECK (content_hash <> ''),
    -- What the document gets; null means that it keeps its tags, and that its date is not known.
    tags          TEXT,
    dated_at      INTEGER,
    state         TEXT    NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
    -- How often it was begun. With the id it names one lease.
    attempts      INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    -- How often it was put off because what it needs did not work.
    retries       INTEGER NOT NULL DEFAULT 0 CHECK (retries >= 0),
    -- How often who worked on it was gone.
    crashes       INTEGER NOT NULL DEFAULT 0 CHECK (crashes >= 0),
    -- Not before this.
    run_at        INTEGER NOT NULL,
    lease_until   INTEGER,
    -- How far it is, JSON.
    progress      TEXT,
    -- Of a job that waits: why it was not done the last time.
    error_code    TEXT,
    error_message TEXT,
    document      TEXT REFERENCES documents (id),
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    CHECK ((state = 'running') = (lease_until IS NOT NULL)),
    CHECK (state = 'running' OR progress IS NULL),
    CHECK (state <> 'failed' OR error_code IS NOT NULL),
    CHECK (state <> 'done' OR error_code IS NULL),
    CHECK ((error_code IS NULL) = (error_message IS NULL)),
    CHECK (state = 'done' OR document IS NULL)
) STRICT;
-- None runs: the process that migrates is the only one.
INSERT INTO leased_jobs
    (id, workspace, collection, source, content_hash, tags, dated_at, state, attempts, crashes, run_at, error_code,
     error_message, document, created_at, updated_at)
SELECT id, workspace, collection, source, content_hash, tags, dated_at,
       CASE state WHEN 'running' THEN 'queued' ELSE state END, attempts, attempts, created_at, error_code,
       error_message, document, created_at, updated_at
FROM jobs;
DROP TABLE jobs;
ALTER TABLE leased_jobs RENAME TO jobs;
CREATE INDEX jobs_queued ON jobs (created_at, id) WHERE state = 'queued';
CREATE INDEX jobs_running ON jobs (lease_until) WHERE state = 'running';
CREATE INDEX jobs_of_collection ON jobs (collection) WHERE state = 'queued';
-- Jobs of one source are done one after the other, in their order.
CREATE INDEX jobs_of_source ON jobs (collection, source) WHERE state IN ('queued', 'running');
CREATE INDEX jobs_of_workspace ON jobs (workspace, created_at, id);
