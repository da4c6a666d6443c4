-- Workspaces, collections, documents, versions, jobs, conversations. The SQLite file of the same name makes the same
-- tables; only the types are named differently. Times are milliseconds since the epoch, UTC; flags are 0 or 1. Ids
-- compare byte by byte, as in SQLite, whatever the server's locale is.

CREATE TABLE workspaces (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name       TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE collections (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    workspace  TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    name       TEXT NOT NULL CHECK (name <> ''),
    visibility TEXT NOT NULL CHECK (visibility IN ('public', 'private')),
    created_at BIGINT NOT NULL,
    -- A deleted collection stays as the parent of its documents' history.
    deleted_at BIGINT
);
CREATE INDEX collections_of_workspace ON collections (workspace, created_at);

CREATE TABLE documents (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    workspace  TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    collection TEXT COLLATE "C" NOT NULL REFERENCES collections (id),
    source     TEXT NOT NULL CHECK (source <> ''),
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted_at BIGINT
);
CREATE INDEX documents_of_collection ON documents (collection, id);
CREATE INDEX documents_of_workspace ON documents (workspace, id);

-- What a document is to its readers is its one live version; the document's own row repeats nothing of it.
CREATE TABLE versions (
    id             TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    workspace      TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    document       TEXT COLLATE "C" NOT NULL REFERENCES documents (id),
    number         BIGINT NOT NULL CHECK (number > 0),
    title          TEXT NOT NULL,
    language       TEXT NOT NULL,
    content_hash   TEXT NOT NULL CHECK (content_hash <> ''),
    state          TEXT NOT NULL CHECK (state IN ('pending', 'live', 'superseded')),
    -- Known from publication on.
    chunk_count    BIGINT CHECK (chunk_count >= 0),
    -- Whether the vector store is known to hold no chunk of a superseded version.
    chunks_removed BIGINT NOT NULL DEFAULT 0 CHECK (chunks_removed IN (0, 1)),
    created_at     BIGINT NOT NULL,
    page_starts    TEXT NOT NULL,
    text           TEXT NOT NULL,
    UNIQUE (document, number),
    CHECK (state <> 'live' OR chunk_count IS NOT NULL)
);
CREATE UNIQUE INDEX versions_one_live ON versions (document) WHERE state = 'live';
CREATE UNIQUE INDEX versions_one_pending ON versions (document) WHERE state = 'pending';
CREATE INDEX versions_live_in_workspace ON versions (workspace) WHERE state = 'live';
CREATE INDEX versions_stale ON versions (id) WHERE state = 'superseded' AND chunks_removed = 0;

CREATE TABLE jobs (
    id            TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    workspace     TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    collection    TEXT COLLATE "C" NOT NULL REFERENCES collections (id),
    source        TEXT NOT NULL CHECK (source <> ''),
    content_hash  TEXT NOT NULL CHECK (content_hash <> ''),
    state         TEXT NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
    attempts      BIGINT NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    error_code    TEXT,
    error_message TEXT,
    document      TEXT COLLATE "C" REFERENCES documents (id),
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL,
    CHECK ((state = 'failed') = (error_code IS NOT NULL)),
    CHECK ((error_code IS NULL) = (error_message IS NULL)),
    CHECK ((state = 'done') = (document IS NOT NULL))
);
CREATE INDEX jobs_queued ON jobs (created_at, id) WHERE state = 'queued';
CREATE INDEX jobs_running ON jobs (id) WHERE state = 'running';
CREATE INDEX jobs_of_collection ON jobs (collection) WHERE state = 'queued';
CREATE INDEX jobs_of_workspace ON jobs (workspace, created_at, id);

CREATE TABLE conversations (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    workspace  TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    title      TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX conversations_of_workspace ON conversations (workspace, updated_at, id);

CREATE TABLE turns (
    id                TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    workspace         TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    conversation      TEXT COLLATE "C" NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    position          BIGINT NOT NULL CHECK (position >= 0),
    role              TEXT NOT NULL CHECK (role IN ('user', 'assistant')),
    state             TEXT NOT NULL CHECK (state IN ('writing', 'complete', 'interrupted')),
    language          TEXT NOT NULL,
    abstained         BIGINT NOT NULL DEFAULT 0 CHECK (abstained IN (0, 1)),
    finish_reason     TEXT CHECK (finish_reason IN ('stop', 'length', 'abstained', 'extractive', 'cancelled', 'error')),
    prompt_tokens     BIGINT,
    cached_tokens     BIGINT,
    completion_tokens BIGINT,
    created_at        BIGINT NOT NULL,
    timings_ms        TEXT NOT NULL DEFAULT '{}',
    citations         TEXT NOT NULL DEFAULT '[]',
    content           TEXT NOT NULL,
    UNIQUE (conversation, position),
    -- Questions are even, answers odd.
    CHECK ((role = 'assistant') = (position % 2 = 1)),
    CHECK (role = 'assistant' OR state = 'complete'),
    -- An answer has a reason exactly when it has ended; a question never has one.
    CHECK ((finish_reason IS NOT NULL) = (role = 'assistant' AND state <> 'writing'))
);
CREATE INDEX turns_writing ON turns (id) WHERE state = 'writing';

-- What was found for an answer, as it was then: later versions of the documents do not change it.
CREATE TABLE turn_passages (
    turn      TEXT COLLATE "C" NOT NULL REFERENCES turns (id) ON DELETE CASCADE,
    position  BIGINT NOT NULL CHECK (position >= 0),
    workspace TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    -- Without a reference: it may be gone, and the answer still says what it stood on.
    document  TEXT COLLATE "C" NOT NULL,
    passage   TEXT NOT NULL,
    PRIMARY KEY (turn, position)
);

CREATE TABLE feedback (
    turn       TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES turns (id) ON DELETE CASCADE,
    workspace  TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    helpful    BIGINT NOT NULL CHECK (helpful IN (0, 1)),
    comment    TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
