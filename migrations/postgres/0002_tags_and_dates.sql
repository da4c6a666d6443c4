-- Tags and dates of documents. Until now there were none: no tags, and the date is when a version was taken in. The
-- SQLite file of the same name does the same.

ALTER TABLE versions
    -- A JSON array of strings.
    ADD COLUMN tags TEXT NOT NULL DEFAULT '[]',
    -- When the source was last changed, where that is known; else when the version was taken in.
    ADD COLUMN dated_at BIGINT NOT NULL DEFAULT 0;
UPDATE versions SET dated_at = created_at;
ALTER TABLE versions
    ALTER COLUMN tags DROP DEFAULT,
    ALTER COLUMN dated_at DROP DEFAULT;

-- What the document gets; null means that it keeps its tags, and that its date is not known.
ALTER TABLE jobs
    ADD COLUMN tags TEXT,
    ADD COLUMN dated_at BIGINT;

-- A passage is kept whole, so it learns what its version now says.
UPDATE turn_passages SET passage = (passage::jsonb || jsonb_build_object('tags', '[]'::jsonb, 'dated_at', to_char(
    to_timestamp(
        COALESCE((SELECT v.dated_at FROM versions v WHERE v.id = passage::jsonb ->> 'version'),
                 (SELECT t.created_at FROM turns t WHERE t.id = turn)) / 1000.0) AT TIME ZONE 'UTC',
    'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')))::text;
