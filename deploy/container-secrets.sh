#!/bin/sh
# Creates the secrets of deploy/compose.yaml in /secrets and a certificate in /tls, each once. Runs as root, so that the
# files belong to the user of the other containers; a secret that was written by hand gets its owner at the next start.
set -eu
umask 077
folder=$(dirname "$0")
host=${DYNAMO_ALLOWED_HOSTS:?set DYNAMO_ALLOWED_HOSTS in deploy/dynamo.env}
"$folder/make-secrets.sh" /secrets
"$folder/make-certificate.sh" /tls "${host%%,*}"
mkdir -p /secrets/database
[ -s /secrets/database/postgres_password ] || openssl rand -hex 24 > /secrets/database/postgres_password
printf 'postgresql://dynamo:%s@database:5432/dynamo' "$(cat /secrets/database/postgres_password)" > /secrets/database_url
chmod 0400 /secrets/*_* && chmod 0444 /secrets/database/postgres_password && chmod 0755 /secrets/database
chown -R 10001:10001 /secrets
chmod 0700 /secrets
