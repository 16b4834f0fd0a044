-- The rights that BeatSync's database user needs on MariaDB and MySQL to plan, sync and run, and no others.
--
-- Run it as an administrator, in the application's database, after the migrations of django-celery-beat and of BeatSync
-- (`beatsync migrate` with the owner's URL: it creates tables, this user cannot). It can be repeated:
--
--   mariadb app < deploy/sql/mariadb.sql
--
-- Create the user first; if you know its host, write it instead of %, here and below:
--
--   CREATE USER 'beatsync'@'%' IDENTIFIED BY '...';

-- BeatSync's rows of PeriodicTask.
GRANT SELECT, INSERT, UPDATE, DELETE ON django_celery_beat_periodictask TO 'beatsync'@'%';
-- Shared schedule rows are looked up, created, and deleted when no task uses them; never changed.
GRANT SELECT, INSERT, DELETE ON django_celery_beat_intervalschedule TO 'beatsync'@'%';
GRANT SELECT, INSERT, DELETE ON django_celery_beat_crontabschedule TO 'beatsync'@'%';
GRANT SELECT, INSERT, DELETE ON django_celery_beat_solarschedule TO 'beatsync'@'%';
GRANT SELECT, INSERT, DELETE ON django_celery_beat_clockedschedule TO 'beatsync'@'%';
-- The stamp that notifies beat.
GRANT SELECT, INSERT, UPDATE ON django_celery_beat_periodictasks TO 'beatsync'@'%';

-- BeatSync's own tables.
GRANT SELECT, INSERT, UPDATE ON beatsync_source TO 'beatsync'@'%';
GRANT SELECT, INSERT, UPDATE ON beatsync_lease TO 'beatsync'@'%';
-- The history keeps its newest entries only.
GRANT SELECT, INSERT, UPDATE, DELETE ON beatsync_syncrecord TO 'beatsync'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON beatsync_inventoryentry TO 'beatsync'@'%';
GRANT SELECT, INSERT, DELETE ON beatsync_filerecord TO 'beatsync'@'%';
GRANT SELECT, INSERT, DELETE ON beatsync_tombstone TO 'beatsync'@'%';

-- To name a migration that is missing.
GRANT SELECT ON django_migrations TO 'beatsync'@'%';

-- A table of an application that refers to a PeriodicTask by a foreign key is read before that row is deleted (its key
-- only), and is found only if this user may see it: GRANT SELECT (that_column) ON that_table TO 'beatsync'@'%';
