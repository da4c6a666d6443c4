-- Workspaces, collections, documents, versions, jobs, conversations. The PostgreSQL file of the same name makes the same
-- tables; only the types are named differently. Times are milliseconds since the epoch, UTC; flags are 0 or 1.

CREATE TABLE workspaces (
    id         TEXT    NOT NULL PRIMARY KEY,
    name       TEXT    NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE collections (
    id         TEXT    NOT NULL PRIMARY KEY,
    workspace  TEXT    NOT NULL REFERENCES workspaces (id),
    name       TEXT    NOT NULL CHECK (name <> ''),
    visibility TEXT    NOT NULL CHECK (visibility IN ('public', 'private')),
    created_at INTEGER NOT NULL,
    -- A deleted collection stays as the parent of its documents' history.
    deleted_at INTEGER
) STRICT;
CREATE INDEX collections_of_workspace ON collections (workspace, created_at);

CREATE TABLE documents (
    id         TEXT    NOT NULL PRIMARY KEY,
    workspace  TEXT    NOT NULL REFERENCES workspaces (id),
    collection TEXT    NOT NULL REFERENCES collections (id),
    source     TEXT    NOT NULL CHECK (source <> ''),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER
) STRICT;
CREATE INDEX documents_of_collection ON documents (collection, id);
CREATE INDEX documents_of_workspace ON documents (workspace, id);

-- What a document is to its readers is its one live version; the document's own row repeats nothing of it.
CREATE TABLE versions (
    id             TEXT    NOT NULL PRIMARY KEY,
    workspace      TEXT    NOT NULL REFERENCES workspaces (id),
    document       TEXT    NOT NULL REFERENCES documents (id),
    number         INTEGER NOT NULL CHECK (number > 0),
    title          TEXT    NOT NULL,
    language       TEXT    NOT NULL,
    content_hash   TEXT    NOT NULL CHECK (content_hash <> ''),
    state          TEXT    NOT NULL CHECK (state IN ('pending', 'live', 'superseded')),
    -- Known from publication on.
    chunk_count    INTEGER CHECK (chunk_count >= 0),
    -- Whether the vector store is known to hold no chunk of a superseded version.
    chunks_removed INTEGER NOT NULL DEFAULT 0 CHECK (chunks_removed IN (0, 1)),
    created_at     INTEGER NOT NULL,
    page_starts    TEXT    NOT NULL,
    -- Last, because SQLite reads a row from the left.
    text           TEXT    NOT NULL,
    UNIQUE (document, number),
    CHECK (state <> 'live' OR chunk_count IS NOT NULL)
) STRICT;
CREATE UNIQUE INDEX versions_one_live ON versions (document) WHERE state = 'live';
CREATE UNIQUE INDEX versions_one_pending ON versions (document) WHERE state = 'pending';
CREATE INDEX versions_live_in_workspace ON versions (workspace) WHERE state = 'live';
CREATE INDEX versions_stale ON versions (id) WHERE state = 'superseded' AND chunks_removed = 0;

CREATE TABLE jobs (
    id            TEXT    NOT NULL PRIMARY KEY,
    workspace     TEXT    NOT NULL REFERENCES workspaces (id),
    collection    TEXT    NOT NULL REFERENCES collections (id),
    source        TEXT    NOT NULL CHECK (source <> ''),
    content_hash  TEXT    NOT NULL CHECK (content_hash <> ''),
    state         TEXT    NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
    attempts      INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    error_code    TEXT,
    error_message TEXT,
    document      TEXT REFERENCES documents (id),
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    CHECK ((state = 'failed') = (error_code IS NOT NULL)),
    CHECK ((error_code IS NULL) = (error_message IS NULL)),
    CHECK ((state = 'done') = (document IS NOT NULL))
) STRICT;
CREATE INDEX jobs_queued ON jobs (created_at, id) WHERE state = 'queued';
CREATE INDEX jobs_running ON jobs (id) WHERE state = 'running';
CREATE INDEX jobs_of_collection ON jobs (collection) WHERE state = 'queued';
CREATE INDEX jobs_of_workspace ON jobs (workspace, created_at, id);

CREATE TABLE conversations (
    id         TEXT    NOT NULL PRIMARY KEY,
    workspace  TEXT    NOT NULL REFERENCES workspaces (id),
    title      TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX conversations_of_workspace ON conversations (workspace, updated_at, id);

CREATE TABLE turns (
    id                TEXT    NOT NULL PRIMARY KEY,
    workspace         TEXT    NOT NULL REFERENCES workspaces (id),
    conversation      TEXT    NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    position          INTEGER NOT NULL CHECK (position >= 0),
    role              TEXT    NOT NULL CHECK (role IN ('user', 'assistant')),
    state             TEXT    NOT NULL CHECK (state IN ('writing', 'complete', 'interrupted')),
    language          TEXT    NOT NULL,
    abstained         INTEGER NOT NULL DEFAULT 0 CHECK (abstained IN (0, 1)),
    finish_reason     TEXT CHECK (finish_reason IN ('stop', 'length', 'abstained', 'extractive', 'cancelled', 'error')),
    prompt_tokens     INTEGER,
    cached_tokens     INTEGER,
    completion_tokens INTEGER,
    created_at        INTEGER NOT NULL,
    timings_ms        TEXT    NOT NULL DEFAULT '{}',
    citations         TEXT    NOT NULL DEFAULT '[]',
    content           TEXT    NOT NULL,
    UNIQUE (conversation, position),
    -- Questions are even, answers odd.
    CHECK ((role = 'assistant') = (position % 2 = 1)),
    CHECK (role = 'assistant' OR state = 'complete'),
    -- An answer has a reason exactly when it has ended; a question never has one.
    CHECK ((finish_reason IS NOT NULL) = (role = 'assistant' AND state <> 'writing'))
) STRICT;
CREATE INDEX turns_writing ON turns (id) WHERE state = 'writing';

-- What was found for an answer, as it was then: later versions of the documents do not change it.
CREATE TABLE turn_passages (
    turn      TEXT    NOT NULL REFERENCES turns (id) ON DELETE CASCADE,
    position  INTEGER NOT NULL CHECK (position >= 0),
    workspace TEXT    NOT NULL REFERENCES workspaces (id),
    -- Without a reference: it may be gone, and the answer still says what it stood on.
    document  TEXT    NOT NULL,
    passage   TEXT    NOT NULL,
    PRIMARY KEY (turn, position)
) STRICT;

CREATE TABLE feedback (
    turn       TEXT    NOT NULL PRIMARY KEY REFERENCES turns (id) ON DELETE CASCADE,
    workspace  TEXT    NOT NULL REFERENCES workspaces (id),
    helpful    INTEGER NOT NULL CHECK (helpful IN (0, 1)),
    comment    TEXT    NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
