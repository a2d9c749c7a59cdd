-- Events are many and short-lived: one partition per month, so that old months
-- are dropped whole instead of deleted row by row (app/prune_events.py).

CREATE TABLE execution_events (
    id                 bigserial NOT NULL,
    run_id             uuid NOT NULL,
    node_execution_id  uuid,
    event_type         event_type NOT NULL,
    message            text,
    payload            jsonb NOT NULL DEFAULT '{}',
    -- clock_timestamp(), not now(): several events of one transaction keep their order.
    "timestamp"        timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- A primary key of a partitioned table has to contain the partition key.
    PRIMARY KEY (id, "timestamp"),
    CONSTRAINT execution_events_run_id_fkey
        FOREIGN KEY (run_id) REFERENCES workflow_runs (id) ON DELETE CASCADE,
    CONSTRAINT execution_events_node_execution_fkey
        FOREIGN KEY (run_id, node_execution_id) REFERENCES node_executions (run_id, id)
        ON DELETE CASCADE
) PARTITION BY RANGE ("timestamp");

CREATE INDEX execution_events_of_run ON execution_events (run_id, "timestamp", id);
CREATE INDEX execution_events_of_node ON execution_events (node_execution_id)
    WHERE node_execution_id IS NOT NULL;

-- Rows that fit no month land here instead of being refused.
CREATE TABLE execution_events_default PARTITION OF execution_events DEFAULT;

-- Makes the partitions of the month of `first` (in UTC) and of the `months_ahead`
-- months that follow it; returns the names of those it had to create.
CREATE FUNCTION ensure_execution_event_partitions(
    months_ahead integer DEFAULT 2,
    first timestamptz DEFAULT now()
) RETURNS SETOF text
LANGUAGE plpgsql
AS $$
DECLARE
    month_start timestamp := date_trunc('month', first AT TIME ZONE 'UTC');
    lower_bound timestamptz;
    upper_bound timestamptz;
    partition_name text;
BEGIN
    -- Two callers at once: the second waits here and then finds the work done.
    PERFORM pg_advisory_xact_lock(hashtextextended('execution_events partitions', 0));
    FOR step IN 0..months_ahead LOOP
        lower_bound := (month_start + make_interval(months => step)) AT TIME ZONE 'UTC';
        upper_bound := (month_start + make_interval(months => step + 1)) AT TIME ZONE 'UTC';
        partition_name := 'execution_events_' || to_char(lower_bound AT TIME ZONE 'UTC', '"y"YYYY"m"MM');
        CONTINUE WHEN to_regclass(partition_name) IS NOT NULL;

        -- Made aside and then attached, because PARTITION OF would fail on rows
        -- of that month in the default partition, and would lock out readers.
        EXECUTE format(
            'CREATE TABLE %I (LIKE execution_events INCLUDING DEFAULTS INCLUDING CONSTRAINTS)',
            partition_name);
        LOCK TABLE execution_events_default IN ACCESS EXCLUSIVE MODE;
        EXECUTE format(
            'WITH moved AS (DELETE FROM execution_events_default'
            ' WHERE "timestamp" >= %L AND "timestamp" < %L RETURNING *)'
            ' INSERT INTO %I SELECT * FROM moved',
            lower_bound, upper_bound, partition_name);
        EXECUTE format(
            'ALTER TABLE execution_events ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
            partition_name, lower_bound, upper_bound);
        RETURN NEXT partition_name;
    END LOOP;
END;
$$;

SELECT ensure_execution_event_partitions();
