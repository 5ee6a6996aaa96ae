#!/bin/sh
# The layer under a command: mounts a writable layer over a workspace's root and runs the command there, confined.
# A process of its own, started by path by whoever runs a command (client/cli/verbs/run, the daemon); no string of its
# arguments is ever parsed. What was written is read by the daemon, in the layer's directory.
#
# enter.sh PARENT ID UID GID ROOT LAYER STATE RUNTIME PROPOSE CWD COMMAND [ARGUMENT...]
#   PARENT   the process that starts it: when that dies, everything in here is killed
#   ID       names the mount, so that the daemon sees whether a layer is in use (/proc/PID/mountinfo)
#   UID GID  whose the command is; 0 0 for root
#   LAYER    the layer's directory: upper, work and cover are in it, empty at first
#   STATE RUNTIME   the daemon's directories, which are covered
#   PROPOSE  the proposer's part of RUNTIME, which stays; "" covers nothing (a trusted command)
#   CWD      where the command begins
#
# INVARIANT: the command has no capability over these mounts, holds no descriptor from before them, and sees no process
# of outside; so it can neither unmount the layer nor walk around it. Mounts and processes end with the first process.
# Exit status: the command's own; 125 where the layer could not be made, with why on stderr.
# Source: namespaces(7), user_namespaces(7), mount_namespaces(7) "locked mounts", overlayfs.rst "userxattr".
set -eu

fail() {
  echo "iopipe: $1" >&2
  exit 125
}

# Kept for root: what containers keep by custom, without mknod; what reaches around a mount is not among them.
CAPABILITIES=-all,+chown,+dac_override,+fowner,+fsetid,+kill,+setgid,+setuid,+setpcap,+setfcap,+net_bind_service,+net_raw,+sys_chroot,+audit_write

# Outside: a namespace of its own for mounts and processes, and for an ordinary user one in which it may mount.
if [ "$1" != inside ]; then
  # Asked for its end already, but not told: the parent was gone before.
  [ "$PPID" = "$1" ] || fail "the process $1 that started this is gone"
  shift
  user=
  [ "$2" = 0 ] || user=--map-root-user
  exec unshare $user --mount --pid --fork --kill-child -- sh "$0" inside "$@"
fi

shift
id=$1 uid=$2 gid=$3 root=$4 layer=$5 state=$6 runtime=$7 propose=$8 cwd=$9
shift 9

cd /
options=userxattr
[ "$uid" = 0 ] && options=redirect_dir=off
# By descriptors: a path may hold any character, and these have no meaning for mount.
exec 4<"$root" 5<"$layer/upper" 6<"$layer/work"
mount -t overlay "iopipe-$id" "$root" \
  -o "$options,metacopy=off,lowerdir=/proc/self/fd/4,upperdir=/proc/self/fd/5,workdir=/proc/self/fd/6" ||
  fail "no overlay can be mounted over $root"
exec 4<&- 5<&- 6<&-

if [ -n "$propose" ]; then
  cover=$layer/cover
  mount -t tmpfs -o mode=700,size=1m iopipe "$cover" || fail "no tmpfs can be mounted"
  mkdir "$cover/run" "$cover/run/propose" "$cover/state"
  mount --bind "$propose" "$cover/run/propose" || fail "$propose cannot be bound"
  case $runtime/ in
  "$state"/*)
    mkdir -p "$cover/state/${runtime#"$state"}"
    mount --rbind "$cover/run" "$cover/state/${runtime#"$state"}" || fail "$runtime cannot be covered"
    mount --rbind "$cover/state" "$state" || fail "$state cannot be covered"
    ;;
  *)
    mount --rbind "$cover/run" "$runtime" || fail "$runtime cannot be covered"
    # The layer's directory is in there: hidden from here on. It is already, where it is below the runtime's.
    case $state/ in "$runtime"/*) ;; *) mount --rbind "$cover/state" "$state" || fail "$state cannot be covered" ;; esac
    ;;
  esac
fi
mount -t proc proc /proc || fail "no /proc of its own can be mounted"
cd "$cwd" || fail "$cwd is not there"

if [ "$uid" = 0 ]; then
  set -- setpriv --inh-caps=-all --ambient-caps=-all --bounding-set="$CAPABILITIES" -- "$@"
else
  set -- unshare --user --map-user="$uid" --map-group="$gid" -- "$@"
fi
# Not exec: the first process of a namespace gets no signal that it does not handle, and has to reap.
set +e
"$@"
exit
