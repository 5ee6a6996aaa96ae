#!/bin/sh
# The layer under a command: mounts a writable layer over a workspace's root and runs the command there, confined.
# A process of its own, started by path by whoever runs a command: a client, or the daemon. Nothing of its arguments is
# ever parsed. What was written is read by the daemon, in the layer's directory.
#
# enter.sh PARENT ID UID GID ROOT LAYER PROPOSE AT RUNTIME STATE GITS PASSED [GIT...] [PATH...] CWD COMMAND [ARGUMENT...]
#   PARENT   the process that starts it: when that dies, everything in here is killed
#   ID       names the mount, by which the daemon sees whether a layer is in use (/proc/PID/mountinfo)
#   UID GID  whose the command is; 0 0 for root
#   LAYER    the layer's directory, as place.ts makes it: upper, work, and in cover what is put over other places; begun is
#            written there last of all, so that whoever reads the status knows whose it is
#   PROPOSE  the proposer's directory, which stays, at the place AT of cover; "" hides nothing
#   RUNTIME STATE   the daemon's directories, hidden by the directories of cover of these names; "" is not
#   GITS     how many GITs follow: git's directories outside the root, with layers of their own in git/1 and so on; where
#            an overlay cannot be had, read-only
#   PASSED   how many PATHs follow: directories below the root that are not covered, as cover/passed/1 and so on
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

# Binds a directory read-only. In a user namespace a mount is only made stricter: runtime directories have some of these
# flags already, or the last.
bind() {
  strict=bind,ro,nosuid,nodev,noexec
  mount -o "$strict" "$1" "$2" 2>/dev/null || mount -o "remount,$strict,noatime" "$2"
}

# Mounts an overlay over the directory $1, which is open as 4, with what is in $2. By descriptors: a path may hold any
# character, and these have no meaning for mount.
overlay() {
  exec 5<"$2/upper" 6<"$2/work"
  own=userxattr
  [ "$uid" != 0 ] || own=redirect_dir=off
  own=$own,metacopy=off,index=off
  mount -t overlay "iopipe-$id" "$1" \
    -o "$own,lowerdir=/proc/self/fd/4,upperdir=/proc/self/fd/5,workdir=/proc/self/fd/6"
}

# Outside: namespaces of its own, for an ordinary user with one in which it may mount.
if [ "$1" != inside ]; then
  # The parent may have been gone before its death could be asked to be told.
  [ "$PPID" = "$1" ] || fail "the process $1 that started this is gone"
  shift
  user=
  [ "$2" = 0 ] || user=--map-root-user
  exec unshare $user --mount --pid --fork --kill-child --mount-proc -- sh "$0" inside "$@"
fi

shift
id=$1 uid=$2 gid=$3 root=$4 layer=$5 propose=$6 at=$7 runtime=$8 state=$9
shift 9
gits=$1 passed=$2
shift 2

cd /
if [ -n "$propose" ]; then
  # Read-only: who may put a socket of its own there is the daemon to every other agent. Connecting needs no more.
  bind "$propose" "$layer/cover/$at" || fail "$propose cannot be bound"
fi
n=-$gits
for path; do
  n=$((n + 1))
  [ $n -gt 0 ] || continue
  [ $n -le "$passed" ] || break
  mount --rbind "$root/$path" "$layer/cover/passed/$n" || fail "$path cannot be passed through"
done

exec 3<"$root" 7>"$layer/begun"
# Before the root, which may be in one of them.
n=0
while [ $n -lt "$gits" ]; do
  n=$((n + 1))
  git=$1
  shift
  [ -d "$git" ] || continue
  if [ -r "$git" ] && exec 4<"$git" && overlay "$git" "$layer/git/$n" 2>/dev/null; then continue; fi
  bind "$git" "$git" || fail "$git cannot be covered"
  echo "iopipe: $git is read-only here: no overlay can be mounted over it" >&2
done
exec 4<&3 3<&-
overlay "$root" "$layer" || fail "no overlay can be mounted over $root"
exec 4<&- 5<&- 6<&-

n=0
while [ $n -lt "$passed" ]; do
  n=$((n + 1))
  mount --rbind "$layer/cover/passed/$n" "$root/$1" || fail "$1 cannot be passed through"
  shift
done
# Root may write to what is its own without any capability: disks, and what steers the kernel.
[ "$uid" != 0 ] || mount --all --fstab "$layer/cover/machine" || fail "the machine's devices cannot be hidden"
# The layer's own directory is below the state directory: hidden from here on.
[ -z "$runtime" ] || mount --rbind "$layer/cover/runtime" "$runtime" || fail "$runtime cannot be hidden"
[ -z "$state" ] || mount --rbind "$layer/cover/state" "$state" || fail "$state cannot be hidden"

cwd=$1
shift
cd "$cwd" || fail "$cwd is not there"
# The caller's own user again. Of root's capabilities those that containers keep by custom, but for making devices.
if [ "$uid" = 0 ]; then
  kept=-all,+chown,+dac_override,+fowner,+fsetid,+kill,+setgid,+setuid,+setpcap,+setfcap
  kept=$kept,+net_bind_service,+net_raw,+sys_chroot,+audit_write
  set -- setpriv --inh-caps=-all --ambient-caps=-all --bounding-set="$kept" -- "$@"
else
  set -- unshare --user --map-user="$uid" --map-group="$gid" -- "$@"
fi
# Not exec: the first process of a namespace gets no signal that it does not handle, and has to reap.
# A signal of the terminal's is the command's to answer; a trap, unlike an ignored signal, is not passed on to it.
set +e
trap : HUP INT QUIT TERM
echo yes >&7
exec 7>&-
"$@"
exit $?
