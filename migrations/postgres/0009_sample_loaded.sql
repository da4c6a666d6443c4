-- When the sample documents were loaded: once, so that what is deleted of them stays deleted. The SQLite file of the
-- same name makes the same column.

ALTER TABLE workspaces ADD COLUMN sample_loaded_at BIGINT;
-- Where there are collections, or were, the first start is over.
UPDATE workspaces SET sample_loaded_at = created_at
WHERE EXISTS (SELECT 1 FROM collections WHERE collections.workspace = workspaces.id);
