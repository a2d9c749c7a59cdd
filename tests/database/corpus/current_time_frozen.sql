BEGIN;
CREATE TABLE t (same boolean);
INSERT INTO t SELECT now() = transaction_timestamp();
COMMIT;
