-- The rights that BeatSync's database user needs on MariaDB and MySQL to plan, sync and run, and no others.
--
-- Run it as an administrator, in the application's database, after the migrations of django-celery-beat and of BeatSync
-- (`beatsync migrate` with the owner's URL; this user cannot create tables). You can repeat it:
--
--   mariadb app < deploy/sql/mariadb.sql
--
-- Create the user first. Replace % with the host that it connects from if you know it, here and below:
--
--   CREATE USER 'beatsync'@'%' IDENTIFIED BY '...';

-- BeatSync's rows of PeriodicTask.
GRANT SELECT, INSERT, UPDATE, DELETE ON django_celery_beat_periodictask TO 'beatsync'@'%';
-- Shared schedule rows are read, created, and deleted when no task uses them; never updated.
GRANT SELECT, INSERT, DELETE ON django_celery_beat_intervalschedule TO 'beatsync'@'%';
GRANT SELECT, INSERT, DELETE ON django_celery_beat_crontabschedule TO 'beatsync'@'%';
GRANT SELECT, INSERT, DELETE ON django_celery_beat_solarschedule TO 'beatsync'@'%';
GRANT SELECT, INSERT, DELETE ON django_celery_beat_clockedschedule TO 'beatsync'@'%';
-- The timestamp that notifies beat.
GRANT SELECT, INSERT, UPDATE ON django_celery_beat_periodictasks TO 'beatsync'@'%';

-- BeatSync's own tables.
GRANT SELECT, INSERT, UPDATE ON beatsync_source TO 'beatsync'@'%';
GRANT SELECT, INSERT, UPDATE ON beatsync_lease TO 'beatsync'@'%';
GRANT SELECT, INSERT ON beatsync_checksumkey TO 'beatsync'@'%';
-- The history keeps only the newest records.
GRANT SELECT, INSERT, UPDATE, DELETE ON beatsync_syncrecord TO 'beatsync'@'%';
GRANT SELECT, INSERT, UPDATE, DELETE ON beatsync_inventoryentry TO 'beatsync'@'%';
GRANT SELECT, INSERT, DELETE ON beatsync_filerecord TO 'beatsync'@'%';
GRANT SELECT, INSERT, DELETE ON beatsync_tombstone TO 'beatsync'@'%';
GRANT SELECT, INSERT, DELETE ON beatsync_pause TO 'beatsync'@'%';
-- Sets that an application declares.
GRANT SELECT, INSERT, UPDATE, DELETE ON beatsync_pendingwrite TO 'beatsync'@'%';
GRANT SELECT, INSERT, DELETE ON beatsync_oneoff TO 'beatsync'@'%';

-- To name a missing migration.
GRANT SELECT ON django_migrations TO 'beatsync'@'%';

-- If a table of an application has a foreign key to PeriodicTask, BeatSync reads that column before it deletes a row. It
-- finds the column only with this right: GRANT SELECT (that_column) ON that_table TO 'beatsync'@'%';
