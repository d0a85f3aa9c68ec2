#!/bin/sh
# Makes the secrets of compose.yaml, once: new passwords in files beside this script. Existing ones stay as they are.
set -eu
umask 077
folder=$(dirname "$0")/secrets
mkdir -p "$folder"

random() {
  # Letters and digits alone, which stand in an address as they are.
  head -c 48 /dev/urandom | base64 | tr -dc 'A-Za-z0-9' | cut -c 1-40
}

keep() {
  if [ -s "$folder/$1" ]; then return; fi
  printf '%s\n' "$2" > "$folder/$1"
  echo "made $folder/$1"
}

keep postgres_password "$(random)"
keep server_password "$(random)"
keep metrics_token "$(random)"
# 32 bytes, under which the secrets of receivers are encrypted in the database. Keep a copy: without it each receiver needs a new secret.
keep events_key "$(head -c 32 /dev/urandom | base64)"
keep migrator_url "postgresql://ehr_owner:$(cat "$folder/postgres_password")@database:5432/ehr"
keep server_url "postgresql://onechart_server:$(cat "$folder/server_password")@database:5432/ehr"
# Compose mounts each file as it is, and processes that are not root have to read it. On this machine the folder keeps everybody else out.
chmod 0444 "$folder"/*
chmod 0700 "$folder"
