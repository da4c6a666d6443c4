-- Which installation this database belongs to; its data directory knows the same id. The SQLite file of the same name
-- makes the same table.

CREATE TABLE installation (
    -- There is one row.
    one        BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
    id         TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL
);
