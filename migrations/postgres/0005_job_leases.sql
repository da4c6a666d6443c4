-- Jobs are leased: who works on one says so again and again, and another worker takes it when nobody does. They are tried
-- again later, and can be called off while they run. The SQLite file of the same name does the same.

ALTER TABLE jobs
    -- How often it was put off because what it needs did not work.
    ADD COLUMN retries BIGINT NOT NULL DEFAULT 0 CHECK (retries >= 0),
    -- How often who worked on it was gone.
    ADD COLUMN crashes BIGINT NOT NULL DEFAULT 0 CHECK (crashes >= 0),
    -- Not before this.
    ADD COLUMN run_at BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN lease_until BIGINT,
    -- How far it is, JSON.
    ADD COLUMN progress TEXT;
-- None runs: the process that migrates is the only one.
UPDATE jobs SET crashes = attempts, run_at = created_at, state = CASE state WHEN 'running' THEN 'queued' ELSE state END;
ALTER TABLE jobs
    ALTER COLUMN run_at DROP DEFAULT,
    -- The names that PostgreSQL gave to what the first migration left unnamed: a failed job has an error, a job done a document.
    DROP CONSTRAINT jobs_check,
    DROP CONSTRAINT jobs_check2,
    ADD CHECK ((state = 'running') = (lease_until IS NOT NULL)),
    ADD CHECK (state = 'running' OR progress IS NULL),
    -- Of a job that waits, the error says why it was not done the last time.
    ADD CHECK (state <> 'failed' OR error_code IS NOT NULL),
    ADD CHECK (state <> 'done' OR error_code IS NULL),
    ADD CHECK (state = 'done' OR document IS NULL);

DROP INDEX jobs_running;
CREATE INDEX jobs_running ON jobs (lease_until) WHERE state = 'running';
-- Jobs of one source are done one after the other, in their order.
CREATE INDEX jobs_of_source ON jobs (collection, source) WHERE state IN ('queued', 'running');
