#!/bin/sh
# Restarts every process of an installation, one after the other, without a failed request and without a late post:
# rolling-restart.sh systemd|compose
# With `compose` the containers are created again from the current image. Run migrations before: docs/upgrading.md.
set -eu
cd "$(dirname "$0")"
kind=${1:-}

case $kind in
    systemd)
        run_as_proxy() { sh -c "$1"; }
        instances() {
            systemctl list-units --plain --no-legend "dynamo-$1@*" | sed -n "s/^dynamo-$1@\([^. ]*\)\.service .*/\1/p"
        }
        restart() { systemctl restart "dynamo-$1@$2"; }
        restart_single() { systemctl restart "dynamo-$1"; }
        is_healthy() {
            runuser -u dynamo -- sh -c "set -a; . /etc/dynamo/dynamo.env; DYNAMO_BIND=127.0.0.1:800$1
                exec /opt/dynamo/current/venv/bin/python /opt/dynamo/current/deploy/healthcheck.py"
        }
        responds() {
            runuser -u dynamo -- sh -c "cd /opt/dynamo/current; set -a; . /etc/dynamo/dynamo.env
                exec venv/bin/celery -A dynamo inspect ping --timeout 5 --destination publishing-$1@\$(hostname)"
        }
        ;;
    compose)
        compose() { docker compose -f compose.yaml "$@"; }
        run_as_proxy() { compose exec -T proxy sh -c "$1"; }
        instances() { compose ps --services | sed -n "s/^$1-//p"; }
        restart() { compose up -d --no-deps --force-recreate "$1-$2"; }
        restart_single() { # with as many containers as before, although compose.yaml names one
            count=$(compose ps -q "$1" | wc -l)
            compose up -d --no-deps --force-recreate --scale "$1=$((count > 1 ? count : 1))" "$1"
        }
        is_healthy() { compose exec -T "web-$1" python deploy/healthcheck.py; }
        responds() {
            compose exec -T "worker-$1" sh -c \
                'exec celery -A dynamo inspect ping --timeout 5 --destination "publishing@$(hostname)"'
        }
        ;;
    *)
        echo "usage: rolling-restart.sh systemd|compose" >&2
        exit 2
        ;;
esac

# Returns when the command succeeds; ends the script after two minutes, with the other instances still at work.
wait_for() {
    attempts=60
    until "$@" >/dev/null 2>&1; do
        attempts=$((attempts - 1))
        if [ "$attempts" = 0 ]; then
            echo "not ready after two minutes: $*; the instances after it were not restarted" >&2
            exit 1
        fi
        sleep 2
    done
}

# Those that do not answer first: a healthy one is restarted only while another is healthy.
healthy='' unhealthy=''
for instance in $(instances web); do
    if is_healthy "$instance" >/dev/null 2>&1; then healthy="$healthy $instance"; else unhealthy="$unhealthy $instance"; fi
done
if [ -z "$unhealthy$healthy" ]; then
    echo "no web server is running; nothing was restarted" >&2
    exit 1
fi
for instance in $unhealthy $healthy; do
    # nginx sends new requests to the other one. A run that was interrupted has left its file.
    run_as_proxy "mkdir -p /run/dynamo && rm -f /run/dynamo/drain-* && touch /run/dynamo/drain-$instance"
    sleep 2
    restart web "$instance"
    wait_for is_healthy "$instance"
    run_as_proxy "rm /run/dynamo/drain-$instance"
    echo "web $instance restarted"
done
for instance in $(instances worker); do
    restart worker "$instance"
    wait_for responds "$instance"
    echo "worker $instance restarted"
done
restart_single background
restart_single beat # posts of the next ten minutes are in the queue already
echo "background and beat restarted"
