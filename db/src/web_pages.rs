//! What is known of web pages, so that only what changed is fetched again.

use domain::CollectionId;

use crate::{Database, DbError, rows};

/// A page of a web site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebPage {
    /// Its address; the document's source.
    pub url: String,
    /// What its server tells its contents apart by, as it wrote it.
    pub etag: Option<String>,
    /// When its server says that it changed, as it wrote it.
    pub last_modified: Option<String>,
    /// Where it leads within the site.
    pub links: Vec<String>,
}

impl Database {
    /// The pages of the site that a crawl from `site` found, by address.
    ///
    /// # Errors
    ///
    /// Those of the connection only.
    pub async fn web_pages(&self, collection: CollectionId, site: &str) -> Result<Vec<WebPage>, DbError> {
        sqlx::query(
            "SELECT url, etag, last_modified, links FROM web_pages WHERE collection = $1 AND site = $2 ORDER BY url",
        )
        .bind(collection.to_string())
        .bind(site)
        .fetch_all(&self.reads)
        .await?
        .iter()
        .map(|row| {
            Ok(WebPage {
                url: rows::text(row, "url")?,
                etag: rows::optional(row, "etag")?,
                last_modified: rows::optional(row, "last_modified")?,
                links: rows::json(row, "links")?,
            })
        })
        .collect()
    }

    /// Notes what is known of a page now.
    ///
    /// # Errors
    ///
    /// Those of the connection only.
    pub async fn note_web_page(
        &self,
        collection: CollectionId,
        site: &str,
        page: &WebPage,
    ) -> Result<(), DbError> {
        let mut tx = self.write().await?;
        sqlx::query(
            "INSERT INTO web_pages (collection, url, site, etag, last_modified, links) VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT (collection, url) DO UPDATE SET site = $3, etag = $4, last_modified = $5, links = $6",
        )
        .bind(collection.to_string())
        .bind(page.url.as_str())
        .bind(site)
        .bind(page.etag.as_deref())
        .bind(page.last_modified.as_deref())
        .bind(serde_json::to_string(&page.links)?)
        .execute(&mut *tx)
        .await?;
        Ok(tx.commit().await?)
    }

    /// Forgets a page that is gone; one that is not known is no error.
    ///
    /// # Errors
    ///
    /// Those of the connection only.
    pub async fn forget_web_page(&self, collection: CollectionId, url: &str) -> Result<(), DbError> {
        let mut tx = self.write().await?;
        sqlx::query("DELETE FROM web_pages WHERE collection = $1 AND url = $2")
            .bind(collection.to_string())
            .bind(url)
            .execute(&mut *tx)
            .await?;
        Ok(tx.commit().await?)
    }
}
