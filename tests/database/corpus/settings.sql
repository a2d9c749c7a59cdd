SET work_mem = '8MB'; SET TIME ZONE 'Europe/Berlin'; SET DateStyle = 'German'; SET lc_monetary TO 'C';
CREATE TABLE t (at timestamptz, d date);
INSERT INTO t VALUES ('2026-07-01 12:00', '01.07.2026'); SET intervalstyle = 'iso_8601'; RESET ALL; SHOW work_mem;
