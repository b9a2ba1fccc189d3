#!/bin/sh
# nginx takes nothing from the environment, so its configuration is completed when it starts. /tmp is
# the unit's own, and gone when it ends.
set -eu
folder=$(mktemp -d)
sed -e "s/@ADDRESS@/$ADDRESS/" -e "s/@PORT@/$PORT/" -e "s/@WORKERS@/$WORKERS/" \
    -e "s/@KEEPALIVE_S@/$KEEPALIVE_S/" -e "s|@APP@|$PWD|" nginx.conf.in >"$folder/nginx.conf"
exec /usr/sbin/nginx -e stderr -p "$folder" -c "$folder/nginx.conf"
