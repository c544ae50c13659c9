# Nothing of the extension stays but what its owner made in /etc/holdfast.
# Argument: `force` lets go of what a run still holds.
base=${HOLDFAST_EXTENSION:-/var/lib/holdfast/extension}
run=${HOLDFAST_RUN:-/run/holdfast-extension}
conf=${HOLDFAST_CONF:-/etc/holdfast}
state=${HOLDFAST_STATE:-/var/lib/holdfast/extension-state}
if [ -d "$run/operation" ] && ! drop_dead; then
  if [ "${1:-}" != force ]; then
    echo "busy $(holder)"
    exit 75
  fi
  [ ! -f "$base/extension" ] || sh "$base/extension" abort >/dev/null
fi
rm -rf "$base" "$base.new" "$base.old" "$state" "$run" || exit 1
rmdir "$conf/hooks.d" "$conf" "${base%/*}" 2>/dev/null
exit 0
