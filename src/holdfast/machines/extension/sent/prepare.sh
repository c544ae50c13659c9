# A fresh folder for the files of an installation.
base=${HOLDFAST_EXTENSION:-/var/lib/holdfast/extension}
run=${HOLDFAST_RUN:-/run/holdfast-extension}
umask 077
if [ -d "$run/operation" ] && ! drop_dead; then
  echo "busy $(holder)"
  exit 75
fi
rm -rf "$base.new" && mkdir -p "$base.new/hooks"
