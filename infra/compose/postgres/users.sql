-- The users of the database, each with the rights that it needs. A new server runs this once, by itself; run again, by its
-- superuser in the database of fcm, it gives what a deployment of one user has made to those who need it.
\getenv owner FCM_OWNER_PASSWORD
\getenv writer FCM_WRITER_PASSWORD
\getenv reader FCM_READER_PASSWORD
\getenv registry REGISTRY_PASSWORD

SELECT format('CREATE ROLE %I LOGIN', name) FROM (VALUES ('fcm_owner'), ('fcm_writer'), ('fcm_reader'), ('registry')) AS users (name)
  WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec
ALTER ROLE fcm_owner PASSWORD :'owner';
ALTER ROLE fcm_writer PASSWORD :'writer';
ALTER ROLE fcm_reader PASSWORD :'reader';
ALTER ROLE registry PASSWORD :'registry';

SELECT current_database() AS db \gset
REVOKE ALL ON DATABASE :"db" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"db" TO fcm_owner, fcm_writer, fcm_reader;

-- `fcm migrate` owns all tables: nobody else makes, changes or drops one.
ALTER SCHEMA public OWNER TO fcm_owner;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO fcm_writer, fcm_reader;
SELECT format('ALTER TABLE %s OWNER TO fcm_owner', oid::regclass) FROM pg_class
  WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') \gexec
SELECT format('ALTER ROUTINE %s OWNER TO fcm_owner', oid::regprocedure) FROM pg_proc WHERE pronamespace = 'public'::regnamespace \gexec

-- The role `store` writes rows; the functions are what it may do to tables. The role `api` reads.
GRANT SELECT ON ALL TABLES IN SCHEMA public TO fcm_writer, fcm_reader;
GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO fcm_writer;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO fcm_writer;
REVOKE EXECUTE ON ALL ROUTINES IN SCHEMA public FROM PUBLIC;
GRANT EXECUTE ON ALL ROUTINES IN SCHEMA public TO fcm_writer;
ALTER DEFAULT PRIVILEGES FOR ROLE fcm_owner GRANT SELECT ON TABLES TO fcm_writer, fcm_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE fcm_owner GRANT INSERT, UPDATE, DELETE ON TABLES TO fcm_writer;
ALTER DEFAULT PRIVILEGES FOR ROLE fcm_owner GRANT USAGE ON SEQUENCES TO fcm_writer;
ALTER DEFAULT PRIVILEGES FOR ROLE fcm_owner REVOKE EXECUTE ON ROUTINES FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE fcm_owner GRANT EXECUTE ON ROUTINES TO fcm_writer;

-- The schema registry has a database of its own.
SELECT 'CREATE DATABASE registry' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'registry') \gexec
REVOKE ALL ON DATABASE registry FROM PUBLIC;
ALTER DATABASE registry OWNER TO registry;
\connect registry
ALTER SCHEMA public OWNER TO registry;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
SELECT format('ALTER TABLE %s OWNER TO registry', oid::regclass) FROM pg_class
  WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') \gexec
SELECT format('ALTER SEQUENCE %s OWNER TO registry', c.oid::regclass) FROM pg_class c
  WHERE relnamespace = 'public'::regnamespace AND relkind = 'S'
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype IN ('a', 'i')) \gexec
