-- The rights that BeatSync's database user needs on PostgreSQL to plan, sync and run, and no others.
--
-- Run it as the owner of the tables, after the migrations of django-celery-beat and of BeatSync (`beatsync migrate` with the
-- owner's URL; this user cannot create tables), and again after each migration of BeatSync. You can repeat it:
--
--   psql --single-transaction --set ON_ERROR_STOP=1 --file deploy/sql/postgresql.sql app
--
-- Create the role first. Set its password with \password, which keeps it out of logs:
--
--   CREATE ROLE beatsync LOGIN;

GRANT USAGE ON SCHEMA public TO beatsync;

-- BeatSync's rows of PeriodicTask.
GRANT SELECT, INSERT, UPDATE, DELETE ON django_celery_beat_periodictask TO beatsync;
-- Shared schedule rows are read, created, and deleted when no task uses them; never updated.
GRANT SELECT, INSERT, DELETE ON
  django_celery_beat_intervalschedule,
  django_celery_beat_crontabschedule,
  django_celery_beat_solarschedule,
  django_celery_beat_clockedschedule
TO beatsync;
-- The timestamp that notifies beat.
GRANT SELECT, INSERT, UPDATE ON django_celery_beat_periodictasks TO beatsync;

-- BeatSync's own tables.
GRANT SELECT, INSERT, UPDATE ON beatsync_source, beatsync_lease TO beatsync;
GRANT SELECT, INSERT ON beatsync_checksumkey TO beatsync;
-- The history keeps only the newest records.
GRANT SELECT, INSERT, UPDATE, DELETE ON beatsync_syncrecord TO beatsync;
GRANT SELECT, INSERT, UPDATE, DELETE ON beatsync_inventoryentry TO beatsync;
GRANT SELECT, INSERT, DELETE ON beatsync_filerecord, beatsync_tombstone, beatsync_pause TO beatsync;
-- Sets that an application declares.
GRANT SELECT, INSERT, UPDATE, DELETE ON beatsync_pendingwrite TO beatsync;
GRANT SELECT, INSERT, DELETE ON beatsync_oneoff TO beatsync;

-- To name a missing migration.
GRANT SELECT ON django_migrations TO beatsync;

-- Tables that Django created before 4.1 use sequences, which need a right of their own; identity columns do not.
-- If a table of an application has a foreign key to PeriodicTask, BeatSync reads that column before it deletes a
-- row: GRANT SELECT (that_column) ON that_table TO beatsync.
DO $$
DECLARE
  counted record;
BEGIN
  FOR counted IN
    SELECT format('%I.%I', n.nspname, s.relname) AS sequence
    FROM pg_class t
    JOIN pg_depend d ON d.refobjid = t.oid AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'a'
    JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
    JOIN pg_namespace n ON n.oid = s.relnamespace
    WHERE n.nspname = 'public' AND (t.relname LIKE 'django\_celery\_beat\_%' OR t.relname LIKE 'beatsync\_%')
  LOOP
    EXECUTE format('GRANT USAGE ON SEQUENCE %s TO beatsync', counted.sequence);
  END LOOP;
END
$$;
