-- What is known of the pages of web sites that collections keep in step with, so that only what changed is fetched again. The
-- SQLite file of the same name makes the same table.

CREATE TABLE web_pages (
    collection    TEXT NOT NULL REFERENCES collections (id),
    -- The address; it is the document's source, too.
    url           TEXT NOT NULL CHECK (url <> ''),
    -- Where the crawl began that found it.
    site          TEXT NOT NULL CHECK (site <> ''),
    -- What the page's server tells its contents apart by.
    etag          TEXT,
    last_modified TEXT,
    -- Where it leads within the site, a JSON array of addresses.
    links         TEXT NOT NULL,
    PRIMARY KEY (collection, url)
);
