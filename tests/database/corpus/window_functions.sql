CREATE TABLE t AS SELECT n, sum(n) OVER w AS run, lag(n, 1, 0) OVER w AS before, ntile(2) OVER (ORDER BY n DESC) AS half
FROM generate_series(1, 6) n WINDOW w AS (ORDER BY n ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) ORDER BY n;
