#!/bin/sh
# Creates the secrets of an installation, each in a file of its own: make-secrets.sh FOLDER
# Files that exist are kept, so the script can be repeated. Back the folder up: without dynamo_encryption_keys the
# stored access tokens cannot be decrypted, and without dynamo_audit_keys no approved post is published.
set -eu
umask 077
folder=${1:?usage: make-secrets.sh FOLDER}
mkdir -p "$folder"
for name in dynamo_secret_key dynamo_encryption_keys dynamo_audit_keys dynamo_metrics_token \
    graph_webhook_verify_token; do
    if [ ! -s "$folder/$name" ]; then
        openssl rand -base64 48 | tr '+/' '-_' > "$folder/$name.new"
        mv "$folder/$name.new" "$folder/$name"
        echo "created $folder/$name"
    fi
done
# The secret of the Meta app comes from Meta: docs/meta-app.md. The processes do not start while it is empty.
if [ ! -s "$folder/graph_app_secret" ]; then
    touch "$folder/graph_app_secret"
    echo "write the secret of the Meta app into $folder/graph_app_secret"
fi
