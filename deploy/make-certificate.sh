#!/bin/sh
# Creates a self-signed certificate for the first start, unless there is one: make-certificate.sh FOLDER HOST
# Replace fullchain.pem and privkey.pem by a certificate of a public authority: Meta's servers accept no other.
set -eu
umask 077
folder=${1:?usage: make-certificate.sh FOLDER HOST}
host=${2:?usage: make-certificate.sh FOLDER HOST}
mkdir -p "$folder"
if [ ! -s "$folder/fullchain.pem" ]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 365 -subj "/CN=$host" \
        -addext "subjectAltName=DNS:$host" -keyout "$folder/privkey.pem" -out "$folder/fullchain.pem" 2>/dev/null
    echo "created a self-signed certificate for $host in $folder"
fi
