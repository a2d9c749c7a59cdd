CREATE TABLE 商品 (番号 int PRIMARY KEY, 名前 text);
INSERT INTO 商品 VALUES (1, '机；'), (2, '🪑;');
CREATE INDEX индекс ON 商品 (名前);
COMMENT ON TABLE 商品 IS 'größer ; €';
