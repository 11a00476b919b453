# Functions for scripts that need a running hub; to be sourced, not run.
#
# A test hub stands on its own ports, works on a copy of the demo project, and is stopped by its process id whatever
# happens. Sets: hub_pid, hub_web, hub_line, hub_panel (ports), hub_folder.
# shellcheck shell=bash

hub_pid=
hub_folder=
hub_offset=
# The binary that is tried: the release one, or the one in CROSSTIE_BIN.
hub_binary=${CROSSTIE_BIN:-$PWD/target/release/crosstie}
# To a hub a variable of this name would be a setting that it does not know.
export -n CROSSTIE_BIN

# True if something accepts connections on this port of the loopback.
port_is_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Prints an offset at which all ports of the demo project are free, below the range of outgoing connections.
free_port_offset() {
  local offset
  for _ in $(seq 50); do
    offset=$((20000 + RANDOM % 4000))
    if ! port_is_taken $((8000 + offset)) && ! port_is_taken $((1234 + offset)) && ! port_is_taken $((1235 + offset)) &&
      ! port_is_taken $((9100 + offset)) && ! port_is_taken $((1502 + offset)) && ! port_is_taken $((8001 + offset)) &&
      ! port_is_taken $((8080 + offset)) && ! port_is_taken $((6868 + offset)); then
      echo "$offset"
      return 0
    fi
  done
  echo "no free ports between 21234 and 32000" >&2
  return 1
}

# True if the hub on this web port says that it is alive.
hub_is_healthy() {
  local line
  {
    exec 3<>"/dev/tcp/127.0.0.1/$1" || return 1
    printf 'GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nConnection: close\r\n\r\n' "$1" >&3
    IFS= read -r -t 2 line <&3 || return 1
    exec 3>&-
  } 2>/dev/null
  [[ $line == *" 200 "* ]]
}

# Waits until the hub on this web port is healthy, 30 seconds at most.
wait_for_hub() {
  local until=$((SECONDS + 30))
  while ! (hub_is_healthy "$1"); do
    if [ "$SECONDS" -ge "$until" ]; then
      echo "no hub answers at http://127.0.0.1:$1/healthz after 30 s" >&2
      return 1
    fi
    if [ -n "$hub_pid" ] && ! kill -0 "$hub_pid" 2>/dev/null; then
      echo "the hub has ended before it answered:" >&2
      cat "$hub_folder/log" >&2
      return 1
    fi
    sleep 0.1
  done
}

# Makes a copy of the demo project and chooses its ports: for scripts that change something before they start the hub.
prepare_hub() {
  hub_offset=$(free_port_offset)
  hub_web=$((8000 + hub_offset))
  # Read by the scripts that source this file.
  # shellcheck disable=SC2034
  hub_line=$((1234 + hub_offset))
  # shellcheck disable=SC2034
  hub_panel=$((1235 + hub_offset))
  hub_folder=$(mktemp -d)
  trap stop_hub EXIT
  cp -r examples/tour "$hub_folder/tour"
}

# Starts the binary on a copy of the demo project with its practice twin; further flags may be given.
start_hub() {
  [ -n "$hub_folder" ] || prepare_hub
  "$hub_binary" run "$hub_folder/tour" --practice --port-offset "$hub_offset" "$@" >"$hub_folder/log" 2>&1 &
  hub_pid=$!
  wait_for_hub "$hub_web"
}

# Ends the hub by its process id, by force if it has not ended after ten seconds, and removes its copy of the project.
stop_hub() {
  if [ -n "$hub_pid" ]; then
    kill "$hub_pid" 2>/dev/null || true
    local until=$((SECONDS + 10))
    while kill -0 "$hub_pid" 2>/dev/null && [ "$SECONDS" -lt "$until" ]; do
      sleep 0.1
    done
    kill -KILL "$hub_pid" 2>/dev/null || true
    wait "$hub_pid" 2>/dev/null || true
    hub_pid=
  fi
  if [ -n "$hub_folder" ]; then
    rm -rf "$hub_folder"
    hub_folder=
  fi
}
