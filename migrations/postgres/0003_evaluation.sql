-- What a collection is measured with: its own questions, what every measurement gave, and the threshold that is set by
-- it. The SQLite file of the same name makes the same tables.

-- Null: the default of the service.
ALTER TABLE collections ADD COLUMN evidence_threshold DOUBLE PRECISION CHECK (evidence_threshold BETWEEN 0 AND 1);

CREATE TABLE eval_questions (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    workspace  TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    collection TEXT COLLATE "C" NOT NULL REFERENCES collections (id),
    -- In the order in which they were added.
    position   BIGINT NOT NULL CHECK (position >= 0),
    question   TEXT NOT NULL CHECK (question <> ''),
    history    TEXT NOT NULL,
    expected   TEXT NOT NULL,
    answer     TEXT,
    -- The turn it was made of. Without a reference: a chat may be deleted, and its question is still a good one.
    turn       TEXT COLLATE "C",
    created_at BIGINT NOT NULL
);
CREATE INDEX eval_questions_of_collection ON eval_questions (collection, position);

CREATE TABLE eval_runs (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    workspace  TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    collection TEXT COLLATE "C" NOT NULL REFERENCES collections (id),
    created_at BIGINT NOT NULL,
    settings   TEXT NOT NULL,
    report     TEXT NOT NULL
);
CREATE INDEX eval_runs_of_collection ON eval_runs (collection, created_at, id);
