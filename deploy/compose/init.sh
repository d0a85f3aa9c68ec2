#!/bin/sh
# Runs once in the container of PostgreSQL, on an empty volume.
set -eu
psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
\set password `cat "${SERVER_PASSWORD_FILE:-/run/secrets/server_password}"`
-- What the server may do comes with the migrations, as rights of onechart_app; the server logs in as a member of it and owns nothing.
CREATE ROLE onechart_app NOLOGIN;
CREATE ROLE onechart_server LOGIN IN ROLE onechart_app PASSWORD :'password';

-- Stand-ins for the tables of an EHR that name patients, so that this can be tried without one. With a database of your own leave this script out.
CREATE TABLE users (id uuid PRIMARY KEY DEFAULT gen_random_uuid());
CREATE TABLE surgical_cases (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), "patientId" uuid);
CREATE TABLE medical_records (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), "patientId" uuid);
CREATE TABLE bills (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), "patientId" uuid);
CREATE TABLE patient_consent_instances (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), "patientId" uuid);
CREATE TABLE insurance_policies (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), "patientId" uuid);
SQL
