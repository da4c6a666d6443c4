-- What a collection is measured with: its own questions, what every measurement gave, and the threshold that is set by
-- it. The PostgreSQL file of the same name makes the same tables.

-- Null: the default of the service.
ALTER TABLE collections ADD COLUMN evidence_threshold REAL CHECK (evidence_threshold BETWEEN 0 AND 1);

CREATE TABLE eval_questions (
    id         TEXT    NOT NULL PRIMARY KEY,
    workspace  TEXT    NOT NULL REFERENCES workspaces (id),
    collection TEXT    NOT NULL REFERENCES collections (id),
    -- In the order in which they were added.
    position   INTEGER NOT NULL CHECK (position >= 0),
    question   TEXT    NOT NULL CHECK (question <> ''),
    history    TEXT    NOT NULL,
    expected   TEXT    NOT NULL,
    answer     TEXT,
    -- The turn it was made of. Without a reference: a chat may be deleted, and its question is still a good one.
    turn       TEXT,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX eval_questions_of_collection ON eval_questions (collection, position);

CREATE TABLE eval_runs (
    id         TEXT    NOT NULL PRIMARY KEY,
    workspace  TEXT    NOT NULL REFERENCES workspaces (id),
    collection TEXT    NOT NULL REFERENCES collections (id),
    created_at INTEGER NOT NULL,
    settings   TEXT    NOT NULL,
    report     TEXT    NOT NULL
) STRICT;
CREATE INDEX eval_runs_of_collection ON eval_runs (collection, created_at, id);
