-- Which vector index answers, which one is being built, and how far that is. The SQLite file of the same name makes the
-- same tables.

-- The place of an index is named after its id. What is retired awaits the removal of its place, and is forgotten then.
CREATE TABLE vector_indexes (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    -- What its embedder is asked for by: a catalog id, or the path of a folder.
    embedder   TEXT NOT NULL CHECK (embedder <> ''),
    -- The embedding space of its vectors, JSON.
    space      TEXT NOT NULL CHECK (space <> ''),
    state      TEXT NOT NULL CHECK (state IN ('building', 'live', 'retired')),
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX vector_indexes_one_building ON vector_indexes (state) WHERE state = 'building';
CREATE UNIQUE INDEX vector_indexes_one_live ON vector_indexes (state) WHERE state = 'live';

-- The versions in the index that is being built. The live index needs no such rows: it holds every live version.
CREATE TABLE indexed_versions (
    index_id    TEXT COLLATE "C" NOT NULL REFERENCES vector_indexes (id) ON DELETE CASCADE,
    version     TEXT COLLATE "C" NOT NULL REFERENCES versions (id),
    -- Known once all of its chunks are there. Until then some may be, or none.
    chunk_count BIGINT CHECK (chunk_count >= 0),
    PRIMARY KEY (index_id, version)
);
