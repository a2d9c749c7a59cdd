"""A database's schema as sorted facts, one a line: equal for two databases exactly when what devstack compares in them is equal.

Not in it: data, owners, comments, the order of columns, what belongs to an extension or to devstack itself, and kinds of objects
that hardly anybody makes (casts, operators, text search, publications, foreign servers).
"""

# ruff: noqa: S608 - the query is put together from constants of ours
from __future__ import annotations

from devstack.database.connection import Connection

_OURS = "n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'devstack')"


def _no_extension(catalog: str, column: str) -> str:
    return (
        f"NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = '{catalog}'::regclass AND e.objid = {column} AND e.deptype = 'e')"
    )


_NAME = "quote_ident(n.nspname) || '.' || quote_ident(c.relname)"
_CLASSES = f"pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND {_OURS} AND {_no_extension('pg_class', 'c.oid')}"
_TYPES = f"pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace AND {_OURS} AND {_no_extension('pg_type', 't.oid')}"
_TYPE = "quote_ident(n.nspname) || '.' || quote_ident(t.typname)"

_FACTS = (
    # schemas and extensions
    f"SELECT 'schema ' || quote_ident(n.nspname) FROM pg_namespace n WHERE {_OURS} AND {_no_extension('pg_namespace', 'n.oid')}",
    "SELECT 'extension ' || quote_ident(extname) || ' ' || extversion FROM pg_extension",
    # tables, with what they are part of
    f"""SELECT CASE c.relkind WHEN 'f' THEN 'foreign table ' ELSE 'table ' END || {_NAME}
      || CASE c.relpersistence WHEN 'u' THEN ' unlogged' ELSE '' END
      || coalesce(' partition by ' || pg_get_partkeydef(c.oid), '')
      || coalesce(' of ' || (SELECT string_agg(i.inhparent::regclass::text, ', ' ORDER BY i.inhseqno)
           FROM pg_inherits i WHERE i.inhrelid = c.oid), '')
      || coalesce(' ' || pg_get_expr(c.relpartbound, c.oid), '')
      || CASE WHEN c.relrowsecurity THEN ' row level security' ELSE '' END
      || CASE WHEN c.relforcerowsecurity THEN ' forced' ELSE '' END
      || coalesce(' with (' || array_to_string(c.reloptions, ', ') || ')', '')
    FROM {_CLASSES} WHERE c.relkind IN ('r', 'p', 'f')""",
    f"""SELECT 'column ' || {_NAME} || '.' || quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod)
      || CASE WHEN a.attcollation <> 0 AND a.attcollation <> t.typcollation
           THEN ' collate ' || (SELECT quote_ident(o.collname) FROM pg_collation o WHERE o.oid = a.attcollation) ELSE '' END
      || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
      || CASE a.attidentity WHEN 'a' THEN ' identity always' WHEN 'd' THEN ' identity by default' ELSE '' END
      || CASE a.attgenerated WHEN '' THEN coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')
           ELSE ' generated ' || a.attgenerated::text || ' as ' || pg_get_expr(d.adbin, d.adrelid) END
    FROM {_CLASSES} JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'c')""",
    f"""SELECT 'constraint ' || {_NAME} || ' ' || quote_ident(k.conname) || ' ' || pg_get_constraintdef(k.oid)
    FROM {_CLASSES} JOIN pg_constraint k ON k.conrelid = c.oid WHERE k.contype NOT IN ('n', 't')""",
    f"""SELECT 'index ' || {_NAME} || ' ' || quote_ident(x.relname) || CASE WHEN i.indisvalid THEN '' ELSE ' INVALID' END
      || CASE WHEN i.indisready THEN '' ELSE ' NOT READY' END || ' ' || pg_get_indexdef(i.indexrelid)
    FROM {_CLASSES} JOIN pg_index i ON i.indrelid = c.oid JOIN pg_class x ON x.oid = i.indexrelid""",
    f"""SELECT 'trigger ' || {_NAME} || ' ' || quote_ident(t.tgname)
      || CASE t.tgenabled WHEN 'O' THEN '' WHEN 'D' THEN ' DISABLED' ELSE ' enabled ' || t.tgenabled::text END
      || ' ' || pg_get_triggerdef(t.oid)
    FROM {_CLASSES} JOIN pg_trigger t ON t.tgrelid = c.oid AND NOT t.tgisinternal""",
    "SELECT 'event trigger ' || quote_ident(evtname) || ' on ' || evtevent || ' ' || evtfoid::regproc::text || ' ' || evtenabled::text"
    f" FROM pg_event_trigger t WHERE {_no_extension('pg_event_trigger', 't.oid')}",
    f"""SELECT 'policy ' || {_NAME} || ' ' || quote_ident(p.polname) || ' ' || p.polcmd::text
      || CASE WHEN p.polpermissive THEN ' permissive' ELSE ' restrictive' END
      || ' to ' || array_to_string(ARRAY(SELECT CASE r WHEN 0 THEN 'public' ELSE pg_get_userbyid(r)::text END
           FROM unnest(p.polroles) r ORDER BY 1), ', ')
      || coalesce(' using ' || pg_get_expr(p.polqual, p.polrelid), '')
      || coalesce(' check ' || pg_get_expr(p.polwithcheck, p.polrelid), '')
    FROM {_CLASSES} JOIN pg_policy p ON p.polrelid = c.oid""",
    f"""SELECT 'rule ' || {_NAME} || ' ' || quote_ident(r.rulename) || ' ' || pg_get_ruledef(r.oid)
    FROM {_CLASSES} JOIN pg_rewrite r ON r.ev_class = c.oid WHERE r.rulename <> '_RETURN'""",
    f"""SELECT CASE c.relkind WHEN 'm' THEN 'materialized view ' ELSE 'view ' END || {_NAME}
      || coalesce(' with (' || array_to_string(c.reloptions, ', ') || ')', '') || ' ' || pg_get_viewdef(c.oid)
    FROM {_CLASSES} WHERE c.relkind IN ('v', 'm')""",
    f"""SELECT 'sequence ' || {_NAME} || ' ' || format_type(s.seqtypid, NULL) || ' start ' || s.seqstart || ' increment '
      || s.seqincrement || ' min ' || s.seqmin || ' max ' || s.seqmax || ' cache ' || s.seqcache
      || CASE WHEN s.seqcycle THEN ' cycle' ELSE '' END
      || coalesce(' owned by ' || (SELECT d.refobjid::regclass::text || '.' || quote_ident(a.attname) FROM pg_depend d
           JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
           WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0), '')
    FROM {_CLASSES} JOIN pg_sequence s ON s.seqrelid = c.oid""",
    f"""SELECT 'statistics ' || quote_ident(n.nspname) || '.' || quote_ident(s.stxname) || ' ' || pg_get_statisticsobjdef(s.oid)
    FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace AND {_OURS}""",
    # types
    f"""SELECT 'enum ' || {_TYPE} || ' ' || (SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder)
      FROM pg_enum e WHERE e.enumtypid = t.oid) FROM {_TYPES} WHERE t.typtype = 'e'""",
    f"""SELECT 'domain ' || {_TYPE} || ' ' || format_type(t.typbasetype, t.typtypmod)
      || CASE WHEN t.typnotnull THEN ' not null' ELSE '' END || coalesce(' default ' || t.typdefault, '')
      || coalesce(' ' || (SELECT string_agg(quote_ident(k.conname) || ' ' || pg_get_constraintdef(k.oid), ', ' ORDER BY k.conname)
           FROM pg_constraint k WHERE k.contypid = t.oid AND k.contype <> 'n'), '')
    FROM {_TYPES} WHERE t.typtype = 'd'""",
    f"""SELECT 'type ' || {_TYPE} FROM {_TYPES} JOIN pg_class c ON c.oid = t.typrelid WHERE t.typtype = 'c' AND c.relkind = 'c'""",
    f"""SELECT 'range ' || {_TYPE} || ' of ' || format_type(r.rngsubtype, NULL)
    FROM {_TYPES} JOIN pg_range r ON r.rngtypid = t.oid WHERE t.typtype = 'r'""",
    # functions: their bodies are in the files; here they only have to be told apart
    f"""SELECT CASE p.prokind WHEN 'p' THEN 'procedure ' WHEN 'a' THEN 'aggregate ' WHEN 'w' THEN 'window function ' ELSE 'function ' END
      || quote_ident(n.nspname) || '.' || quote_ident(p.proname) || '(' || pg_get_function_arguments(p.oid) || ')'
      || coalesce(' returns ' || pg_get_function_result(p.oid), '') || ' language ' || l.lanname
      || CASE p.provolatile WHEN 'i' THEN ' immutable' WHEN 's' THEN ' stable' ELSE '' END
      || CASE WHEN p.proisstrict THEN ' strict' ELSE '' END || CASE WHEN p.prosecdef THEN ' security definer' ELSE '' END
      || CASE p.proparallel WHEN 'u' THEN '' ELSE ' parallel ' || p.proparallel::text END
      || coalesce(' set ' || array_to_string(p.proconfig, ', '), '') || ' body ' || left(md5(replace({{body}}, E'\\r', '')), 12)
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace AND {_OURS} AND {_no_extension('pg_proc', 'p.oid')}
    JOIN pg_language l ON l.oid = p.prolang""",
    # grants, without what the owner has anyway
    f"""SELECT 'grant ' || string_agg(g.privilege_type || CASE WHEN g.is_grantable THEN '*' ELSE '' END, ', ' ORDER BY g.privilege_type)
      || ' on ' || {_NAME} || ' to ' || CASE g.grantee WHEN 0 THEN 'public' ELSE quote_ident(pg_get_userbyid(g.grantee)) END
    FROM {_CLASSES}, aclexplode(c.relacl) g WHERE g.grantee <> c.relowner AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
    GROUP BY n.nspname, c.relname, g.grantee""",
    f"""SELECT 'grant ' || string_agg(g.privilege_type, ', ' ORDER BY g.privilege_type) || ' on ' || {_NAME} || '.'
      || quote_ident(a.attname) || ' to ' || CASE g.grantee WHEN 0 THEN 'public' ELSE quote_ident(pg_get_userbyid(g.grantee)) END
    FROM {_CLASSES} JOIN pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped, aclexplode(a.attacl) g
    WHERE g.grantee <> c.relowner GROUP BY n.nspname, c.relname, a.attname, g.grantee""",
    f"""SELECT 'grant ' || string_agg(g.privilege_type, ', ' ORDER BY g.privilege_type) || ' on schema ' || quote_ident(n.nspname)
      || ' to ' || CASE g.grantee WHEN 0 THEN 'public' ELSE quote_ident(pg_get_userbyid(g.grantee)) END
    FROM pg_namespace n, aclexplode(n.nspacl) g WHERE g.grantee <> n.nspowner AND {_OURS} GROUP BY n.nspname, g.grantee""",
    f"""SELECT 'grant ' || string_agg(g.privilege_type, ', ' ORDER BY g.privilege_type) || ' on function ' || quote_ident(n.nspname)
      || '.' || quote_ident(p.proname) || '(' || pg_get_function_identity_arguments(p.oid) || ') to '
      || CASE g.grantee WHEN 0 THEN 'public' ELSE quote_ident(pg_get_userbyid(g.grantee)) END
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace AND {_OURS} AND {_no_extension('pg_proc', 'p.oid')},
    aclexplode(p.proacl) g WHERE g.grantee <> p.proowner GROUP BY n.nspname, p.proname, p.oid, g.grantee""",
)  # fmt: skip
_SQL_BODY = 14_00_00
"""From this version on a function may have a parsed body (BEGIN ATOMIC), which prosrc does not hold."""


def fingerprint(connection: Connection) -> tuple[str, ...]:
    """The facts of the database, sorted. The session's search_path is as before afterwards."""
    before = connection.rows("SHOW search_path")[0][0]
    connection.rows("SELECT set_config('search_path', '', false)")  # so that every name comes out qualified
    try:
        body = "coalesce(pg_get_function_sqlbody(p.oid), p.prosrc)" if connection.version >= _SQL_BODY else "p.prosrc"
        query = " UNION ALL ".join(f"({fact})" for fact in _FACTS).replace("{body}", body)
        return tuple(sorted(" ".join(str(row[0]).split()) for row in connection.rows(query)))
    finally:
        connection.rows("SELECT set_config('search_path', %s, false)", (before,))
