#!/bin/sh
# Runs nginx in the container `proxy` with deploy/nginx.conf, adapted to the host name and addresses of deploy/compose.yaml.
set -eu
host=${DYNAMO_ALLOWED_HOSTS:?set DYNAMO_ALLOWED_HOSTS in deploy/dynamo.env}
sed -e "s/dynamo\.example\.com/${host%%,*}/" \
    -e "s/127\.0\.0\.1:8001/$DYNAMO_NETWORK.11:8000/" -e "s/127\.0\.0\.1:8002/$DYNAMO_NETWORK.12:8000/" \
    -e '/listen \[::\]/d' -e 's|/var/log/nginx/dynamo.log|/dev/stdout|' \
    /deploy/nginx.conf > /etc/nginx/conf.d/dynamo.conf
exec nginx -g 'daemon off;'
