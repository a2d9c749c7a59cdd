CREATE FUNCTION days(k int) RETURNS TABLE (d date, n int) LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN QUERY SELECT date '2026-01-01' + i, i FROM generate_series(1, k) i;
END $$;
CREATE TABLE t AS SELECT * FROM days(4);
