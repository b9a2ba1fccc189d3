#!/bin/sh
# nginx takes nothing from the environment, so its configuration is completed when it starts; the
# file that it serves is made with it. /tmp is the unit's own, and gone when it ends.
set -eu
folder=$(mktemp -d)
mkdir "$folder/files"
head -c 262144 /dev/zero >"$folder/files/document"
sed -e "s/@ADDRESS@/$ADDRESS/" -e "s/@PORT@/$PORT/" -e "s/@WORKERS@/$WORKERS/" \
    nginx.conf.in >"$folder/nginx.conf"
exec /usr/sbin/nginx -e stderr -p "$folder" -c "$folder/nginx.conf"
