//! Stores the validators and links of crawled pages, so that a crawl fetches only pages that changed.

use domain::CollectionId;

use crate::database::Database;
use crate::decode;
use crate::error::DbError;

/// A page of a web site, as last fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebPage {
    /// Its address; the document's source.
    pub url: String,
    /// The server's `ETag` header, verbatim.
    pub etag: Option<String>,
    /// The server's `Last-Modified` header, verbatim.
    pub last_modified: Option<String>,
    /// Links to other pages of the site.
    pub links: Vec<String>,
}

impl Database {
    /// The pages of the site that a crawl from `site` found, by address.
    ///
    /// # Errors
    ///
    /// Connection errors only.
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
                url: decode::text(row, "url")?,
                etag: decode::optional_text(row, "etag")?,
                last_modified: decode::optional_text(row, "last_modified")?,
                links: decode::json(row, "links")?,
            })
        })
        .collect()
    }

    /// Inserts or replaces a page.
    ///
    /// # Errors
    ///
    /// Connection errors only.
    pub async fn save_web_page(
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

    /// Deletes a page; deleting an absent one is no error.
    ///
    /// # Errors
    ///
    /// Connection errors only.
    pub async fn delete_web_page(&self, collection: CollectionId, url: &str) -> Result<(), DbError> {
        let mut tx = self.write().await?;
        sqlx::query("DELETE FROM web_pages WHERE collection = $1 AND url = $2")
            .bind(collection.to_string())
            .bind(url)
            .execute(&mut *tx)
            .await?;
        Ok(tx.commit().await?)
    }
}
