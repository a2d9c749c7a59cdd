-- Workflows, their runs, the nodes executed in a run, and the events a run
-- leaves behind. Each file in this folder is applied once, in order, inside a
-- transaction of its own: change the schema with a new file, never by editing.

CREATE TYPE workflow_run_status AS ENUM ('running', 'completed', 'failed');
CREATE TYPE node_status AS ENUM ('pending', 'running', 'completed', 'failed', 'skipped');
CREATE TYPE event_type AS ENUM (
    'node_started', 'node_completed', 'node_failed',
    'run_started', 'run_completed',
    'log', 'metric'
);

CREATE TABLE workflows (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name        varchar(255) NOT NULL,
    definition  jsonb NOT NULL DEFAULT '{}',
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT workflows_name_not_blank CHECK (btrim(name) <> ''),
    CONSTRAINT workflows_definition_is_object CHECK (jsonb_typeof(definition) = 'object')
);

CREATE INDEX workflows_newest_first ON workflows (created_at DESC, id DESC);

CREATE TABLE workflow_runs (
    id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    workflow_id  uuid NOT NULL,
    status       workflow_run_status NOT NULL DEFAULT 'running',
    input        jsonb NOT NULL DEFAULT '{}',
    output       jsonb,
    error        text,
    started_at   timestamptz NOT NULL DEFAULT now(),
    finished_at  timestamptz,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT workflow_runs_workflow_id_fkey
        FOREIGN KEY (workflow_id) REFERENCES workflows (id) ON DELETE CASCADE,
    CONSTRAINT workflow_runs_finished_has_time
        CHECK ((status = 'running') = (finished_at IS NULL))
);

CREATE INDEX workflow_runs_of_workflow ON workflow_runs (workflow_id, started_at DESC, id DESC);
CREATE INDEX workflow_runs_newest_first ON workflow_runs (started_at DESC, id DESC);
-- Runs in flight are few and asked for often; the finished ones stay out of this index.
CREATE INDEX workflow_runs_in_flight ON workflow_runs (started_at) WHERE status = 'running';

CREATE TABLE node_executions (
    id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    run_id       uuid NOT NULL,
    node_id      varchar(255) NOT NULL,
    attempt      integer NOT NULL DEFAULT 1,
    status       node_status NOT NULL DEFAULT 'pending',
    input        jsonb NOT NULL DEFAULT '{}',
    output       jsonb,
    error        text,
    tokens_used  integer NOT NULL DEFAULT 0,
    started_at   timestamptz,
    finished_at  timestamptz,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT node_executions_run_id_fkey
        FOREIGN KEY (run_id) REFERENCES workflow_runs (id) ON DELETE CASCADE,
    CONSTRAINT node_executions_one_per_attempt UNIQUE (run_id, node_id, attempt),
    -- The target of the events' foreign key: an event may only name a node of its own run.
    CONSTRAINT node_executions_run_id_id_key UNIQUE (run_id, id),
    CONSTRAINT node_executions_attempt_positive CHECK (attempt > 0),
    CONSTRAINT node_executions_tokens_used_not_negative CHECK (tokens_used >= 0)
);
