# One operation at a time, and who holds it since when. Sourced; needs $run.

uptime_seconds() {
  read -r up _ </proc/uptime
  echo "${up%.*}"
}

# Of the shell that calls it, not of one it started.
own_pid() {
  exec sh -c 'echo $PPID'
}

is_alive() {
  # A number may have been given to another process since: it must still be a shell of ours.
  [ -n "$1" ] && grep -q holdfast "/proc/$1/cmdline" 2>/dev/null
}

holder() {
  pid='?' what='?' since=
  [ -f "$run/operation/what" ] && read -r what <"$run/operation/what"
  [ -f "$run/operation/since" ] && read -r since <"$run/operation/since"
  [ -f "$run/operation/pid" ] && read -r pid <"$run/operation/pid"
  now=$(uptime_seconds)
  echo "$pid $what $((now - ${since:-$now}))"
}

# A holder that is dead holds nothing. One that has just begun may not have written its number.
drop_dead() {
  [ -d "$run/operation" ] || return 0
  if [ -f "$run/operation/pid" ]; then
    read -r pid <"$run/operation/pid"
    is_alive "$pid" && return 1
  elif [ -z "$(find "$run/operation" -prune -mmin +1)" ]; then
    return 1
  fi
  dead="$run/dead.$$"
  mv "$run/operation" "$dead" 2>/dev/null && rm -rf "$dead"
  return 0
}

# lock WHAT ID: 75 and a line "busy PID WHAT SECONDS" when another one holds it.
lock() {
  mkdir -p "$run" && chmod 700 "$run" || return 1
  drop_dead
  if ! mkdir "$run/operation" 2>/dev/null; then
    echo "busy $(holder)"
    return 75
  fi
  echo "$1" >"$run/operation/what"
  echo "$2" >"$run/operation/id"
  uptime_seconds >"$run/operation/since"
  echo $$ >"$run/operation/pid"
}

unlock() {
  rm -rf "$run/operation"
}
