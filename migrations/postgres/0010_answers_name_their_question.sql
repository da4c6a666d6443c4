-- An answer names its question, every question has one, and at most one answer of a conversation is being written. The
-- SQLite file of the same name does the same.

ALTER TABLE turns ADD COLUMN question TEXT COLLATE "C" REFERENCES turns (id) ON DELETE CASCADE
    CHECK (question IS NULL OR role = 'assistant');
-- Of an answer in progress: when it was last saved. An old one shows that nobody writes it.
ALTER TABLE turns ADD COLUMN saved_at BIGINT;

UPDATE turns SET question =
    (SELECT q.id FROM turns q WHERE q.conversation = turns.conversation AND q.position = turns.position - 1)
WHERE role = 'assistant';
-- A process that died between question and answer left the question alone.
INSERT INTO turns
    (id, workspace, conversation, position, role, state, language, finish_reason, created_at, content, question)
SELECT gen_random_uuid()::text,
       q.workspace, q.conversation, q.position + 1, 'assistant', 'interrupted', q.language, 'error', q.created_at, '', q.id
FROM turns q
WHERE q.role = 'user'
  AND NOT EXISTS (SELECT 1 FROM turns a WHERE a.conversation = q.conversation AND a.position = q.position + 1);
-- Crashes left several of them.
UPDATE turns SET state = 'interrupted', finish_reason = 'error'
WHERE state = 'writing'
  AND EXISTS (SELECT 1 FROM turns later WHERE later.conversation = turns.conversation AND later.state = 'writing'
              AND later.position > turns.position);
UPDATE turns SET saved_at = created_at WHERE state = 'writing';

DROP INDEX turns_writing;
CREATE UNIQUE INDEX turns_one_writing ON turns (conversation) WHERE state = 'writing';
CREATE UNIQUE INDEX turns_one_answer ON turns (question) WHERE question IS NOT NULL;
