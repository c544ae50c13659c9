# What is there of the extension; sent by the host, so that a broken one is seen as well.
# Arguments: the files it should consist of.
base=${HOLDFAST_EXTENSION:-/var/lib/holdfast/extension}
run=${HOLDFAST_RUN:-/run/holdfast-extension}
conf=${HOLDFAST_CONF:-/etc/holdfast}
state=${HOLDFAST_STATE:-/var/lib/holdfast/extension-state}
now=$(date +%s)

age_of() {
  echo $((now - $(stat -c %Y "$1" 2>/dev/null || echo "$now")))
}

[ -d "$base" ] && echo "installed $(age_of "$base")"
[ -d "$base.new" ] && echo "staging $(age_of "$base.new")"
[ -f "$base/VERSION" ] && echo "version $(cat "$base/VERSION")"
[ -d "$base" ] && echo "digest $(cd "$base" && cat "$@" 2>/dev/null | sha256sum | cut -d ' ' -f 1)"
if [ -d "$run/operation" ]; then
  drop_dead || echo "operation $(holder)"
fi
if [ -f "$state/last" ]; then
  { read -r at; read -r how; } <"$state/last"
  echo "last $((now - at)) $how $(sed -n '/^hook [^ ]* [^ ]* [^0]/p' "$state/last" | head -n 1)"
fi
if [ -f "$conf/hooks.json" ]; then
  set -- $(ls -ldn "$conf/hooks.json")
  case $1 in
  -rw-------* | -r--------*) how=ok ;;
  *) how="refused its mode is $1 and must be 600" ;;
  esac
  [ "$3" = "$(id -u)" ] || how="refused it does not belong to root"
  echo "config $how"
  [ "$how" != ok ] || cat "$conf/hooks.json"
fi
exit 0
