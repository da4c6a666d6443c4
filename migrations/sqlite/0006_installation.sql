-- Which installation this database belongs to; its data directory knows the same id. The PostgreSQL file of the same name
-- makes the same table.

CREATE TABLE installation (
    -- There is one row.
    one        INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    id         TEXT    NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
