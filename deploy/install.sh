#!/bin/sh
# Installs or upgrades Dynamo without containers, on Debian 12 or newer, or a current Ubuntu. As root, in a checkout:
#
#   deploy/install.sh dynamo.example.com
#
# It can be repeated. Settings, secrets and certificates that exist are kept. Each run adds a release below
# /opt/dynamo/releases, migrates the database, switches /opt/dynamo/current to the release, and restarts the processes one
# after the other. docs/install.md describes the steps, docs/upgrading.md the way back.
#
# DATABASE_URL and REDIS_URL, when set at the first run, name servers elsewhere; PostgreSQL and Redis are not installed then.
set -eu
umask 022
[ "$(id -u)" = 0 ] || { echo "run this as root" >&2; exit 1; }
source=$(cd "$(dirname "$0")/.." && pwd)
settings=/etc/dynamo/dynamo.env
host=${1:-$(sed -n 's/^DYNAMO_ALLOWED_HOSTS=\([^,]*\).*/\1/p' $settings 2>/dev/null || true)}
[ -n "$host" ] || { echo "usage: deploy/install.sh HOST" >&2; exit 2; }
first=yes; [ -e $settings ] && first=no

echo "1. packages"
packages="python3 python3-venv openssl nginx adduser"
if [ $first = yes ]; then
    [ -n "${DATABASE_URL:-}" ] || packages="$packages postgresql"
    [ -n "${REDIS_URL:-}" ] || packages="$packages redis-server"
fi
missing=""
for package in $packages; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
if [ -n "$missing" ]; then
    apt-get update -q
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing
fi
python3 -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Dynamo needs Python 3.11 or newer")'

echo "2. user, settings, secrets, certificate"
getent passwd dynamo >/dev/null || adduser --quiet --system --group --home /var/lib/dynamo --no-create-home dynamo
install -d -o dynamo -g dynamo -m 0700 /var/lib/dynamo
install -d -o root -g dynamo -m 0750 /etc/dynamo /etc/dynamo/secrets
"$source/deploy/make-secrets.sh" /etc/dynamo/secrets
chown -R root:dynamo /etc/dynamo/secrets
find /etc/dynamo/secrets -type f -exec chmod 0640 {} +
"$source/deploy/make-certificate.sh" /etc/dynamo/tls "$host"
if [ $first = yes ]; then
    {
        sed "s/dynamo\.example\.com/$host/g" "$source/deploy/dynamo.env.example"
        cat <<END

# What deploy/install.sh installed.
DYNAMO_PRODUCTION=1
DYNAMO_BEHIND_PROXY=1
DYNAMO_VAR=/var/lib/dynamo
DYNAMO_SECRET_KEY_FILE=/etc/dynamo/secrets/dynamo_secret_key
DYNAMO_ENCRYPTION_KEYS_FILE=/etc/dynamo/secrets/dynamo_encryption_keys
DYNAMO_AUDIT_KEYS_FILE=/etc/dynamo/secrets/dynamo_audit_keys
DYNAMO_METRICS_TOKEN_FILE=/etc/dynamo/secrets/dynamo_metrics_token
GRAPH_APP_SECRET_FILE=/etc/dynamo/secrets/graph_app_secret
GRAPH_WEBHOOK_VERIFY_TOKEN_FILE=/etc/dynamo/secrets/graph_webhook_verify_token
DATABASE_URL=${DATABASE_URL:-postgresql://dynamo@%2Fvar%2Frun%2Fpostgresql/dynamo}
REDIS_URL=${REDIS_URL:-redis://127.0.0.1:6379/0}
END
    } > $settings.new
    chown root:dynamo $settings.new
    chmod 0640 $settings.new
    mv $settings.new $settings
fi

echo "3. database"
if grep -q '^DATABASE_URL=postgresql://dynamo@%2Fvar%2Frun%2Fpostgresql/dynamo$' $settings; then
    as_postgres() { (cd / && runuser -u postgres -- "$@"); }
    [ "$(as_postgres psql -tAc "SELECT 1 FROM pg_roles WHERE rolname = 'dynamo'")" = 1 ] \
        || as_postgres createuser dynamo
    [ "$(as_postgres psql -tAc "SELECT 1 FROM pg_database WHERE datname = 'dynamo'")" = 1 ] \
        || as_postgres createdb --owner dynamo --encoding UTF8 --template template0 dynamo
fi

echo "4. release"
release=/opt/dynamo/releases/$(date -u +%Y%m%d-%H%M%S)
mkdir -p "$release"
for part in accounts posts scheduling dynamo templates deploy docs requirements \
    manage.py gunicorn.conf.py LICENSE CHANGELOG.md; do
    cp -R "$source/$part" "$release/"
done
rm -rf "$release/deploy/secrets" "$release/deploy/tls" "$release/deploy/dynamo.env"
python3 -m venv "$release/venv"
# With the packages of docs/monitoring.md where the settings name a service for them.
requirements=run; grep -qE '^(SENTRY_DSN|OTEL_EXPORTER_OTLP_ENDPOINT)=.' $settings && requirements=telemetry
"$release/venv/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: --require-hashes \
    -r "$release/requirements/$requirements.txt"
"$release/venv/bin/python" -m compileall -q "$release" >/dev/null || true # a package can contain files for tests of syntax
install -m 0755 "$source/deploy/dynamo-manage.sh" /usr/local/bin/dynamo-manage

echo "5. migrations"
DYNAMO_RELEASE=$release dynamo-manage migrate --noinput
ln -sfn "$release" /opt/dynamo/current.new
mv -T /opt/dynamo/current.new /opt/dynamo/current

echo "6. nginx and systemd"
sed "s/dynamo\.example\.com/$host/" "$source/deploy/nginx.conf" > /tmp/dynamo-nginx.$$
[ -e /proc/net/if_inet6 ] || sed -i '/listen \[::\]/d' /tmp/dynamo-nginx.$$
# A configuration that was changed by hand is kept.
if [ ! -e /etc/nginx/conf.d/dynamo.conf ]; then
    install -m 0644 /tmp/dynamo-nginx.$$ /etc/nginx/conf.d/dynamo.conf
elif ! cmp -s /tmp/dynamo-nginx.$$ /etc/nginx/conf.d/dynamo.conf; then
    echo "kept /etc/nginx/conf.d/dynamo.conf, which differs from deploy/nginx.conf"
fi
rm /tmp/dynamo-nginx.$$
nginx -q -t
cp "$source"/deploy/systemd/* /etc/systemd/system/

if [ ! -s /etc/dynamo/secrets/graph_app_secret ]; then
    cat <<END

Installed. The processes start once the Meta app is named (docs/meta-app.md):
  1. GRAPH_APP_ID in $settings
  2. the app's secret in /etc/dynamo/secrets/graph_app_secret
  3. systemctl enable --now dynamo.target && systemctl reload nginx
END
elif [ -d /run/systemd/system ]; then
    echo "7. processes"
    systemctl daemon-reload
    if systemctl --quiet is-active dynamo.target; then
        "$release/deploy/rolling-restart.sh" systemd
    else
        systemctl enable --now dynamo.target
    fi
    systemctl reload-or-restart nginx
else
    echo "systemd does not run here: start the ExecStart lines of deploy/systemd by other means"
fi
cat <<END

The first organization and its administrator:  dynamo-manage setup
What is still missing:                         dynamo-manage doctor
END
