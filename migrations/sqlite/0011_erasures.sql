-- Deleted documents, so that a deletion that was interrupted goes on, and one that is older than a restored backup is
-- repeated. The PostgreSQL file of the same name does the same.

CREATE TABLE erasures (
    -- Without a reference: a restored backup may know nothing of the document.
    document    TEXT    NOT NULL PRIMARY KEY,
    workspace   TEXT    NOT NULL REFERENCES workspaces (id),
    erased_at   INTEGER NOT NULL,
    -- The document that goes on under another source; null where it was deleted.
    moved_to    TEXT,
    -- Versions up to this number are deleted. Later ones are of the same source, ingested again.
    last_number INTEGER NOT NULL CHECK (last_number >= 0),
    -- Whether nothing of it is left.
    done        INTEGER NOT NULL DEFAULT 0 CHECK (done IN (0, 1))
) STRICT;
CREATE INDEX erasures_unfinished ON erasures (document) WHERE done = 0;

-- Originals to remove, unless a version or a job still needs them.
CREATE TABLE released_originals (
    content_hash TEXT NOT NULL PRIMARY KEY CHECK (content_hash <> '')
) STRICT;

CREATE INDEX versions_by_content ON versions (content_hash);
CREATE INDEX jobs_by_content ON jobs (content_hash);
CREATE INDEX jobs_by_source ON jobs (source);
CREATE INDEX turn_passages_of_document ON turn_passages (document);

-- Until now a deleted document kept its texts. One whose content is still live under another source was renamed.
INSERT INTO erasures (document, workspace, erased_at, moved_to, last_number)
SELECT d.id, d.workspace, d.deleted_at,
       (SELECT MIN(n.document) FROM versions o JOIN versions n ON n.content_hash = o.content_hash AND n.state = 'live'
        WHERE o.document = d.id),
       COALESCE((SELECT MAX(v.number) FROM versions v WHERE v.document = d.id), 0)
FROM documents d WHERE d.deleted_at IS NOT NULL;
