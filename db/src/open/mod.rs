//! Opens databases: finds the dialect, connects, copies what an older version stored, and applies migrations.

mod open_database;
mod pools;
mod postgres;
mod pre_migration_copy;
mod private_file;
mod sqlite;
mod sqlite_url;

pub use sqlite_url::sqlite_url;
