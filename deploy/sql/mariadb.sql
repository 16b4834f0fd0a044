-- What BeatSync's database user needs on MariaDB and MySQL to plan, sync and run, and nothing else.
--
-- Run it as an administrator, in the application's database, after the migrations of django-celery-beat and of BeatSync
-- (`beatsync migrate` with the owner's URL: it makes tables, this user cannot). Harmless to repeat:
--
--   mariadb app < deploy/sql/mariadb.sql
--
-- The user first; give the host that it comes from instead of % where you know it, here and below:
--
--   CREATE USER 'beatsync'@'%' IDENTIFIED BY '...';

-- BeatSync's rows of PeriodicTask.
GRANT SELECT, INSERT, UPDATE, DELETE ON django_celery_beat_periodictask TO 'beatsync'@'%';
-- Shared schedule rows are looked up, made, and deleted where nobody uses them any more; never changed.
GRANT SELECT, INSERT, DELETE ON django_celery_beat_intervalschedule TO 'beatsync'@'%';
GRANT SELECT, INSERT, DELETE ON django_celery_beat_crontabschedule TO 'beatsync'@'%';
GRANT SELECT, INSERT, DELETE ON django_celery_beat_solarschedule TO 'beatsync'@'%';
GRANT SELECT, INSERT, DELETE ON django_celery_beat_clockedschedule TO 'beatsync'@'%';
-- The stamp by which beat is told.
GRANT SELECT, INSERT, UPDATE ON django_celery_beat_periodictasks TO 'beatsync'@'%';

-- BeatSync's own.
GRANT SELECT, INSERT, UPDATE ON beatsync_source TO 'beatsync'@'%';
GRANT SELECT, INSERT, UPDATE ON beatsync_lease TO 'beatsync'@'%';
-- The history keeps its newest records only.
GRANT SELECT, INSERT, UPDATE, DELETE ON beatsync_syncrecord TO 'beatsync'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON beatsync_inventoryentry TO 'beatsync'@'%';
GRANT SELECT, INSERT, DELETE ON beatsync_tombstone TO 'beatsync'@'%';

-- To name the migration that is missing, where one is.
GRANT SELECT ON django_migrations TO 'beatsync'@'%';

-- A table of an application that refers to a PeriodicTask by a foreign key is read before that row is deleted (its key
-- only), and found only where this user may see it: GRANT SELECT (that_column) ON that_table TO 'beatsync'@'%';
