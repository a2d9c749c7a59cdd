CREATE TABLE doc (id int, owner name DEFAULT current_user, body text);
ALTER TABLE doc ENABLE ROW LEVEL SECURITY; ALTER TABLE doc FORCE ROW LEVEL SECURITY;
CREATE POLICY mine ON doc USING (owner = current_user) WITH CHECK (owner = current_user AND body <> ';');
CREATE POLICY readable ON doc AS RESTRICTIVE FOR SELECT TO PUBLIC USING (id > 0);
INSERT INTO doc (id, body) VALUES (1, 'x');
