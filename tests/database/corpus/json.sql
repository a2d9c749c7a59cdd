CREATE TABLE t (j jsonb, k json);
INSERT INTO t VALUES ('{"a": "x;y", "b": [1, 2, {"c": null}], "d": "it''s"}', '{"k" : "\u0041"}');
UPDATE t SET j = j || '{"e": 5}' WHERE j @> '{"b": [1]}' AND j ? 'a' AND j ?| array['a', 'z'];
CREATE TABLE p AS SELECT jsonb_path_query(j, '$.b[*] ? (@ > 1)') AS v, j #>> '{b,2}' AS w FROM t;
