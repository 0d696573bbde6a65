#!/bin/sh
# SPDX-License-Identifier: MIT
# Usage: programs_test.sh D3DKMT_RUN WORK_FOLDER CC SOURCE_FOLDER
# Programs that have nothing to do with a GPU run as they do without d3dkmt-run; those that the shim cannot reach are
# told by name; exit statuses are the program's.
set -eu
run=$1 work=$2 cc=$3 source=$4
rm -rf "$work"
mkdir -p "$work/folder/sub"
printf 'some text\n' >"$work/folder/file"
ln -s file "$work/folder/sub/link"
cd "$work"

fail() {
    echo "$*" >&2
    exit 1
}

# same NAME COMMAND...: output, errors and exit status are the same without and with d3dkmt-run
same() {
    name=$1 bare=0 shim=0
    shift
    "$@" >bare.out 2>bare.err || bare=$?
    "$run" -- "$@" >shim.out 2>shim.err || shim=$?
    [ "$bare" = "$shim" ] || fail "$name: exit status $shim instead of $bare"
    cmp bare.out shim.out || fail "$name: another output"
    cmp bare.err shim.err || fail "$name: other errors"
}

same shell sh -c 'echo one; echo two >&2; for i in 1 2 3; do echo $i | cat; done; (exit 7)'
same redirection sh -c 'exec 3<folder/file; cat <&3; exec 3<&-; cat <&3'
same here-document sh -c 'cat <<X
inside
X'
same environment env -i PATH="$PATH" sh -c 'echo "${HOME-none}"'
same listing ls -lR folder
same tar tar -C folder -cf - --mtime=@0 --sort=name .
same find find folder -type l -o -type f -newer /nothing
same missing cat no-such-file
same stat stat -c '%n %s %F' folder folder/file /dev/null /dev/zero
if command -v python3 >/dev/null; then
    same python python3 -c '
import os, subprocess, sys, tempfile, threading, mmap, socket
with tempfile.TemporaryFile() as file:
    file.write(b"x" * 4096); file.flush()
    print(mmap.mmap(file.fileno(), 4096)[0], os.fstat(file.fileno()).st_size)
    copy = os.dup(file.fileno()); os.dup2(copy, 77); os.close(copy); os.closerange(70, 80)
print(subprocess.run(["sh", "-c", "exit 3"], close_fds=True).returncode, os.path.exists("/dev/dxg2"))
threads = [threading.Thread(target=lambda: os.stat("/")) for _ in range(8)]
[thread.start() for thread in threads]; [thread.join() for thread in threads]
a, b = socket.socketpair(); a.send(b"hi"); print(b.recv(2)); sys.exit(5)'
fi

# What is new is there, in children too.
"$run" -- sh -c 'test -c /dev/dxg && test -r /dev/dxg && test -w /dev/dxg && ! test -x /dev/dxg' ||
    fail "a shell does not see /dev/dxg"
"$run" -- ls -l /dev/dxg >node.out 2>node.err && ! [ -s node.err ] || fail "ls does not list /dev/dxg"
grep -q '^crw-rw-rw-' node.out || fail "ls shows something else than a character device"
"$run" -- env -i "$(command -v sh)" -c 'test -c /dev/dxg' || fail "a program with no environment does not see /dev/dxg"

# status N COMMAND...: d3dkmt-run's own exit statuses
status() {
    expected=$1 seen=0
    shift
    "$run" "$@" >status.out 2>status.err || seen=$?
    [ "$seen" = "$expected" ] || fail "d3dkmt-run $*: exit status $seen instead of $expected"
}
status 127 no-such-program
status 126 -- ./folder/file
status 125 --nonsense
status 125
status 125 --profile /no/such/file true
status 0 --help
status 42 sh -c 'exit 42'
status 42 --shared sh -c 'exit 42'
status 143 --shared sh -c 'kill -TERM $$'
status 127 --shared no-such-program
status 125 --shared --options adapters=99 true
# Before the program is started, and in words.
status 125 --adapters 99 true
grep -q 'adapters=99 is outside' status.err || fail "a wrong number of adapters is not told"
status 125 --options nonsense true
status 125 --options adapters=2 --shared --adapters x true
# A host that is not there is told once, however often a program looks for a device.
status 1 --host "$work/no-host" "$(dirname "$run")/d3dkmt-info"
[ "$(grep -c 'no d3dkmt-hostd can be reached' status.err)" = 1 ] || fail "a host that is not there is told often"
echo '{' >broken.json
status 125 --profile broken.json true
grep -q 'broken.json:2' status.err || fail "a broken profile's line is not told"
echo '{}' >'a,b.json'
status 125 --profile 'a,b.json' true
grep -q 'comma' status.err || fail "a comma in a profile's name is not told"
status 0 --options deterministic sh -c '[ "${D3DKMT_LOG-none}" = none ]'
! [ -s status.err ] || fail "a good host has something to say"
(
    export D3DKMT_LOG=info
    status 0 --adapters 2 sh -c '[ "$D3DKMT_LOG" = info ]'
)

# Statically linked.
printf 'int main(void) { return 0; }\n' >static.c
if "$cc" -static static.c -o static 2>cc.log; then
    ./static
    status 126 ./static
    grep -q 'statically linked' status.err || fail "a static program is not told by name"
    printf '#!%s/static\n' "$work" >script
    chmod +x script
    status 126 ./script
fi
if busybox=$(command -v busybox) && ! readelf -l "$busybox" | grep -q INTERP; then
    status 126 "$busybox" true
    grep -q 'statically linked' status.err || fail "a static busybox is not told by name"
fi

# With another user's rights, which only root can give away here.
program=$(command -v cat) # which no shell has built in
if [ "$(id -u)" = 0 ]; then
    cp "$program" other-user
    chown 65534 other-user
    chmod 4755 other-user
    status 126 ./other-user
    grep -q 'rights of another user' status.err || fail "a set-user-id program is not told by name"
fi

# With capabilities of its file's, which others than root get by executing it.
cp "$program" capable
if [ "$(id -u)" = 0 ] && setcap cap_net_raw+ep capable 2>cap.log && setpriv --reuid 65534 --clear-groups "$run" "$program" </dev/null; then
    refused=0
    setpriv --reuid 65534 --clear-groups "$run" "$work/capable" 2>cap.err || refused=$?
    [ "$refused" = 126 ] && grep -q 'file capabilities' cap.err || fail "a program with capabilities is not told by name"
    status 0 ./capable </dev/null
fi

# For another machine; a script without its interpreter; what is no program at all.
cp "$program" other-machine
printf '\353\0' | dd of=other-machine bs=1 seek=18 conv=notrunc 2>dd.err
status 126 ./other-machine
grep -q 'another kind of machine' status.err || fail "a program for another machine is not told by name"
printf '#!/no/such/interpreter\n' >orphan
chmod 6755 orphan
status 126 ./orphan
grep -q 'interpreter does not exist' status.err || fail "a script without its interpreter is not told by name"
printf '#!/bin/sh\nexit 3\n' >other-script
[ "$(id -u)" != 0 ] || chown 65534 other-script
chmod 4755 other-script
status 3 ./other-script
mkfifo pipe
chmod +x pipe
status 126 ./pipe
status 126 ./folder

# A folder whose name LD_PRELOAD cannot hold.
mkdir -p 'with blank/bin' 'with blank/lib'
cp "$run" 'with blank/bin'
cp "$(dirname "$run")/../lib/d3dkmt-preload.so" 'with blank/lib'
blank=0
'with blank/bin/d3dkmt-run' true 2>blank.err || blank=$?
[ "$blank" = 125 ] && grep -q 'LD_PRELOAD cannot hold' blank.err || fail "a folder with a blank is not refused"

# A library's own search path is that of the library that calls dlopen, not that of the shim.
mkdir -p plugins
"$cc" -shared -fPIC "$source/plugin.c" -o plugins/libplugin-of-the-test.so
"$cc" "$source/loader.c" -o loader -Wl,-rpath,'$ORIGIN/plugins' -Wl,--enable-new-dtags -ldl
./loader
"$run" -- ./loader || fail "a library of the program's RUNPATH is not found"
echo "programs run as they do"
