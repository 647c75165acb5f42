-- The catalog of lazy_expunge in PostgreSQL: psql -d lazy_expunge -f postgresql.sql
-- Dovecot's user needs SELECT, INSERT, UPDATE and DELETE on lazy_expunge, and SELECT on the views.

CREATE TABLE lazy_expunge (
  username VARCHAR(255) NOT NULL PRIMARY KEY,
  due BIGINT NOT NULL DEFAULT 0,
  messages BIGINT NOT NULL DEFAULT 0,
  bytes BIGINT NOT NULL DEFAULT 0,
  oldest BIGINT NOT NULL DEFAULT 0,
  newest BIGINT NOT NULL DEFAULT 0,
  held BIGINT NOT NULL DEFAULT 0,
  holds BIGINT NOT NULL DEFAULT 0,
  maintained BIGINT NOT NULL DEFAULT 0,
  failed BIGINT NOT NULL DEFAULT 0,
  server VARCHAR(255) NOT NULL DEFAULT ''
);
-- A dict sorts by all fields that it reads, so that these have them: many rows may have the same time.
CREATE INDEX lazy_expunge_due ON lazy_expunge (due, maintained);
CREATE INDEX lazy_expunge_maintained ON lazy_expunge (maintained, due);
CREATE INDEX lazy_expunge_bytes ON lazy_expunge ((-bytes));
CREATE INDEX lazy_expunge_messages ON lazy_expunge ((-messages));
CREATE INDEX lazy_expunge_oldest ON lazy_expunge (oldest) WHERE oldest > 0;
CREATE INDEX lazy_expunge_holds ON lazy_expunge (holds) WHERE holds > 0;

-- A dict sorts upwards alone: the largest are the first of these.
CREATE VIEW lazy_expunge_top AS
  SELECT lazy_expunge.*, -bytes AS bytes_down, -messages AS messages_down FROM lazy_expunge;
CREATE VIEW lazy_expunge_old AS
  SELECT * FROM lazy_expunge WHERE oldest > 0;
CREATE VIEW lazy_expunge_held AS
  SELECT * FROM lazy_expunge WHERE holds > 0;
-- A week of retention costs what is kept, spread over the time in which it was deleted.
CREATE VIEW lazy_expunge_sums AS
  SELECT 'all' AS name, count(*) AS users, coalesce(sum(messages), 0) AS messages, coalesce(sum(bytes), 0) AS bytes,
    coalesce(min(nullif(oldest, 0)), 0) AS oldest, coalesce(max(newest), 0) AS newest, coalesce(sum(held), 0) AS held,
    coalesce(sum(CASE WHEN due <= CAST(extract(epoch FROM now()) AS BIGINT) + 86400 THEN 1 ELSE 0 END), 0) AS due_day,
    coalesce(sum(CASE WHEN due <= CAST(extract(epoch FROM now()) AS BIGINT) + 604800 THEN 1 ELSE 0 END), 0) AS due_week,
    coalesce(CAST(sum(bytes * CAST(604800 AS DOUBLE PRECISION) / CASE WHEN oldest > 0 AND oldest < CAST(extract(epoch FROM now()) AS BIGINT) - 86400
      THEN CAST(extract(epoch FROM now()) AS BIGINT) - oldest ELSE 86400 END) AS BIGINT), 0) AS week_bytes,
    coalesce(sum(CASE WHEN failed > 0 THEN 1 ELSE 0 END), 0) AS failed, coalesce(min(maintained), 0) AS maintained
  FROM lazy_expunge;
