-- Tags and dates of documents. Until now there were none: no tags, and the date is when a version was taken in. The
-- PostgreSQL file of the same name does the same.

-- Made again and not added to, because the text must stay last: what stands behind it is slow to read.
CREATE TABLE tagged_versions (
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
    -- A JSON array of strings.
    tags           TEXT    NOT NULL,
    -- When the source was last changed, where that is known; else when the version was taken in.
    dated_at       INTEGER NOT NULL,
    page_starts    TEXT    NOT NULL,
    -- Last, because SQLite reads a row from the left.
    text           TEXT    NOT NULL,
    UNIQUE (document, number),
    CHECK (state <> 'live' OR chunk_count IS NOT NULL)
) STRICT;
INSERT INTO tagged_versions
    (id, workspace, document, number, title, language, content_hash, state, chunk_count, chunks_removed, created_at,
     tags, dated_at, page_starts, text)
SELECT id, workspace, document, number, title, language, content_hash, state, chunk_count, chunks_removed, created_at,
       '[]', created_at, page_starts, text
FROM versions;
DROP TABLE versions;
ALTER TABLE tagged_versions RENAME TO versions;
CREATE UNIQUE INDEX versions_one_live ON versions (document) WHERE state = 'live';
CREATE UNIQUE INDEX versions_one_pending ON versions (document) WHERE state = 'pending';
CREATE INDEX versions_live_in_workspace ON versions (workspace) WHERE state = 'live';
CREATE INDEX versions_stale ON versions (id) WHERE state = 'superseded' AND chunks_removed = 0;

-- What the document gets; null means that it keeps its tags, and that its date is not known.
ALTER TABLE jobs ADD COLUMN tags TEXT;
ALTER TABLE jobs ADD COLUMN dated_at INTEGER;

-- A passage is kept whole, so it learns what its version now says.
UPDATE turn_passages SET passage = json_set(passage, '$.tags', json('[]'), '$.dated_at', strftime('%Y-%m-%dT%H:%M:%fZ',
    COALESCE((SELECT v.dated_at FROM versions v WHERE v.id = json_extract(passage, '$.version')),
             (SELECT t.created_at FROM turns t WHERE t.id = turn)) / 1000.0, 'unixepoch'));
