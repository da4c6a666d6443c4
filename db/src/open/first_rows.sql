-- One of everything that the second migration changes, as the first one has it: for a test of that migration.

INSERT INTO workspaces (id, name, created_at) VALUES ('00000000-0000-0000-0000-000000daeda9', 'default', 0);
INSERT INTO collections (id, workspace, name, visibility, created_at)
VALUES ('00000000-0000-0000-0000-0000000000c0', '00000000-0000-0000-0000-000000daeda9', 'handbook', 'private', 0);
INSERT INTO documents (id, workspace, collection, source, created_at, updated_at)
VALUES ('00000000-0000-0000-0000-0000000000d0', '00000000-0000-0000-0000-000000daeda9',
        '00000000-0000-0000-0000-0000000000c0', 'leave.md', 0, 0);
INSERT INTO versions
    (id, workspace, document, number, title, language, content_hash, state, chunk_count, created_at, page_starts, text)
VALUES ('00000000-0000-0000-0000-0000000000e0', '00000000-0000-0000-0000-000000daeda9',
        '00000000-0000-0000-0000-0000000000d0', 1, '휴가', 'ko', 'hash', 'live', 1, 1700000000123, '[]',
        '연차는 15일이다.');
INSERT INTO conversations (id, workspace, title, created_at, updated_at)
VALUES ('00000000-0000-0000-0000-0000000000aa', '00000000-0000-0000-0000-000000daeda9', '연차', 0, 0);
INSERT INTO turns (id, workspace, conversation, position, role, state, language, finish_reason, created_at, content)
VALUES ('00000000-0000-0000-0000-0000000000ab', '00000000-0000-0000-0000-000000daeda9',
        '00000000-0000-0000-0000-0000000000aa', 1, 'assistant', 'complete', 'ko', 'stop', 0, '15일입니다 [1].');
INSERT INTO turn_passages (turn, position, workspace, document, passage)
VALUES ('00000000-0000-0000-0000-0000000000ab', 0, '00000000-0000-0000-0000-000000daeda9',
        '00000000-0000-0000-0000-0000000000d0',
        '{"id":"00000000-0000-0000-0000-0000000000f0","workspace":"00000000-0000-0000-0000-000000daeda9",'
        || '"collection":"00000000-0000-0000-0000-0000000000c0","document":"00000000-0000-0000-0000-0000000000d0",'
        || '"version":"00000000-0000-0000-0000-0000000000e0","position":0,"title":"휴가","source":"leave.md",'
        || '"heading_path":[],"page":null,"language":"ko","text":"연차는 15일이다.","score":0.1,"dense_score":null,'
        || '"sparse_score":1.5}');
