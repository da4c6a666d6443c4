//! Points are read back as they were written: a copy of them needs no embedding.

use domain::{Chunk, ChunkPoint, Selection, SparseVector, WorkspaceId};

use crate::{EAST, EAST_NORTH_EAST, Place, Source, manual, space};

#[tokio::test]
async fn points_are_read_back_as_they_were_written_page_by_page() {
    let workspace = WorkspaceId::DEFAULT;
    let others = [manual().second_version(), Source::new(workspace, "letters", "manual.md")];
    for place in Place::all() {
        let store = place.open(&space()).await.unwrap();
        let mut written: Vec<ChunkPoint> = (0..25)
            .map(|position| {
                let dense = (position % 3 > 0).then_some(EAST_NORTH_EAST);
                manual().point(position, &format!("words of chunk {position}"), dense)
            })
            .collect();
        store.upsert(written.clone()).await.unwrap();
        for other in others {
            store.upsert(vec![other.point(0, "other words", Some(EAST))]).await.unwrap();
        }
        let (mut read, mut after) = (Vec::new(), None);
        loop {
            let version = Selection::Version(workspace, manual().version);
            let page = store.points(version, after, 10).await.unwrap();
            assert!(page.len() <= 10);
            let Some(last) = page.last() else { break };
            after = Some(last.chunk.id);
            read.extend(page);
        }
        assert!(read.is_sorted_by_key(|point| point.chunk.id));
        written.sort_by_key(|point| point.chunk.id);
        let labels = |points: &[ChunkPoint]| -> Vec<(Chunk, SparseVector)> {
            points.iter().map(|point| (point.chunk.clone(), point.sparse.clone())).collect()
        };
        assert_eq!(labels(&read), labels(&written));
        for (read, written) in read.iter().zip(&written) {
            let close = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-6;
            match (&read.dense, &written.dense) {
                (Some(read), Some(written)) => assert!(read.iter().zip(written).all(close), "{read:?}"),
                (read, written) => assert_eq!(read, written),
            }
        }
    }
}
