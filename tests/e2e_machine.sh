#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# /machine: cards of another machine, over a real ssh and a real sshd on the
# loopback.  The other machine is a second private installation: its own
# configuration, state directory and TPM.
set -eu
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_root
need_packages openssh-client openssh-server python3 swtpm tpm2-tools libtss2-tcti-swtpm0
cd "$scratch"
install_private
swtpm_start
write_conf
tool=$prefix/sbin/tpmvscmgr

# ---- the far side ----
far=$scratch/far
mkdir -p "$far/tpm" "$far/full" "$far/ssh" bin
install -d -m 0700 "$far/state"
far_tcti=swtpm:path=$far/tpm.sock
far_conf() { printf 'tcti = %s\nstate_dir = %s\n' "$2" "$3" >"$far/$1"; }
far_conf tpmvsc.conf "$far_tcti" "$far/state"
far_conf no-tpm.conf "swtpm:path=$far/no.sock" "$far/state"
far_conf full.conf "$far_tcti" "$far/full"
chmod 0700 "$far/full"
for n in 0 1 2 3 4 5 6 7 8 9; do install -d -m 0700 "$far/full/000$n"; done
swtpm socket --tpm2 --tpmstate dir="$far/tpm" --server type=unixio,path="$far/tpm.sock" \
	--ctrl type=unixio,path="$far/tpm.sock.ctrl" --flags not-need-init,startup-clear \
	>"$scratch/swtpm-far.log" 2>&1 </dev/null &
far_swtpm=$!
far_nv() { TPM2TOOLS_TCTI=$far_tcti tpm2_getcap handles-nv-index | sort; }
far_mgr() { "$tool" "$@" --config "$far/tpmvsc.conf"; }
finish_more() { stop_process "$far_swtpm"; }
wait_for 10 test -S "$far/tpm.sock" || die 'start the far swtpm'

ssh-keygen -q -t ed25519 -N '' -f "$far/ssh/host"
sshd_start "$far/ssh/host" "$far/ssh/authorized_keys"
key() { ssh-keygen -q -t ed25519 -N '' -f "$far/ssh/$1"; }
# allow HOST COMMAND: a host by that name, which is this sshd with that forced command.
: >"$far/ssh/authorized_keys"
: >"$far/ssh/config"
allow()
{
	key "$1"
	printf 'command="%s",restrict %s\n' "$2" "$(cat "$far/ssh/$1.pub")" >>"$far/ssh/authorized_keys"
	cat >>"$far/ssh/config" <<-END
		Host $1
		IdentityFile $far/ssh/$1
	END
}
allow pc7 "$tool --stdio --config $far/tpmvsc.conf"
allow no-tpm "$tool --stdio --config $far/no-tpm.conf"
allow full "$tool --stdio --config $far/full.conf"
allow nobody "setpriv --reuid=65534 --regid=65534 --clear-groups $tool --stdio --config $far/tpmvsc.conf"
allow bare "env -i PATH=/usr/bin:/bin sh -c \\\"\$SSH_ORIGINAL_COMMAND\\\""
cat >"$far/hostile" <<'END'
#!/bin/sh
cat >/dev/null
printf '\033]0;owned\007out\n\233[2J\n'
printf '\033[31merr\r\n' >&2
exit 3
END
chmod +x "$far/hostile"
allow hostile "$far/hostile"
allow slow "exec sleep 60"
allow strange "exit 99"
allow killed "kill -9 \$\$"
cat >>"$far/ssh/config" <<-END
	Host stranger
	IdentityFile $far/ssh/stranger
	Host dead
	Port 9
	Host *
	HostName 127.0.0.1
	Port $port
	User root
	IdentitiesOnly yes
	IdentityAgent none
	BatchMode yes
	UserKnownHostsFile $far/ssh/known_hosts
	GlobalKnownHostsFile /dev/null
END
key stranger
echo "[127.0.0.1]:$port $(cat "$far/ssh/host.pub")" >"$far/ssh/known_hosts"
# ssh takes the home directory from the accounts: only so does it find another configuration.
printf '#!/bin/sh\nexec %s -F %s "$@"\n' "$(command -v ssh)" "$far/ssh/config" >bin/ssh
chmod +x bin/ssh
PATH=$scratch/bin:$PATH

# ---- a card over there ----
before=$(far_nv)
here=$(nv_indices)
id=$(printf '%s\n' 97531246 86427531 |
	mgr create /name Elsewhere /AdminKey DEFAULT /PIN PROMPT /PUK PROMPT /generate /machine pc7 2>create.log) ||
	not_ok "create over there: $(cat create.log)"
same 'the instance comes back' 'ROOT\SMARTCARDREADER\0000' "$id"
matches 'progress comes back' 'Creating' "$(cat create.log)"
matches 'warnings come back' 'default administrator key' "$(cat create.log)"
matches 'the card is there' 'Elsewhere' "$(far_mgr list)"
matches 'and not here' 'no TPM virtual smart cards' "$(mgr list 2>&1)"
same 'nothing is in the TPM of here' "$here" "$(nv_indices)"
matches 'list looks over there' 'Elsewhere' "$(mgr list /machine pc7)"
matches 'as user@host' 'Elsewhere' "$(mgr list --machine=root@pc7)"
matches 'list --json comes through' '"name" *: *"Elsewhere"' "$(mgr list --json /machine pc7)"
same 'as it is over there' "$(far_mgr list --json)" "$(mgr list --json /machine pc7)"
check 'which is JSON' eval 'mgr show --json /instance 0 /machine pc7 | python3 -m json.tool'
matches 'show looks over there' 'Elsewhere' "$(mgr show /instance 0 /machine pc7)"
matches 'doctor looks over there' 'ROOT.*SMARTCARDREADER.*0000' "$(mgr doctor --json /machine pc7 2>/dev/null || :)"
same 'repair over there has nothing to do' 0 "$(mgr repair /quiet /machine pc7 >/dev/null 2>&1; echo $?)"
same '/quiet: the ID and nothing else' 'ROOT\SMARTCARDREADER\0000' \
	"$(mgr create /quiet --if-absent /name Elsewhere /AdminKey DEFAULT /PIN DEFAULT /machine pc7 2>&1)"

# Secrets from files of here, and a PIN's policy.
umask 077
printf '1357\r\n' >pin
id=$(printf '%s\n' 000102030405060708090A0B0C0D0E0F 86427531 |
	mgr create -n Two --admin-algorithm AES128 --admin-key-file=- --pin-file=pin --puk-file=- \
		/pinpolicy minlen 4 maxlen 6 --machine pc7 2>create.log) || not_ok "create by files: $(cat create.log)"
umask 022
same 'secrets from files of here' 'ROOT\SMARTCARDREADER\0001' "$id"

# ---- at a terminal: asked here, without echo, while the far side waits ----
cat >terminal.py <<'END'
import os, pty, sys
child, fd = pty.fork()
if child == 0:
    os.execv(sys.argv[1], sys.argv[1:])
seen = b""
def until(text):
    global seen
    start = len(seen)
    while text not in seen[start:]:
        seen += os.read(fd, 1024)
until(b"PIN: ")
os.write(fd, b"24681357\n")
until(b"Again, PIN: ")
os.write(fd, b"24681357\n")
try:
    while True:
        more = os.read(fd, 1024)
        if not more:
            break
        seen += more
except OSError:
    pass
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
sys.stdout.buffer.write(seen)
sys.exit(status)
END
typed=$(python3 terminal.py "$tool" create /name Typed /AdminKey DEFAULT /PIN PROMPT /machine pc7 --config "$conf") ||
	not_ok "create at a terminal: $typed"
matches 'asked here' '^PIN: ' "$typed"
matches 'it says whom it waits for' '^Waiting for pc7' "$typed"
matches 'and the ID comes' 'ROOT.SMARTCARDREADER.0002' "$typed"
fails 'what was typed is not shown' grep -q 24681357 <<<"$typed"
check 'destroy it' mgr destroy /instance 2 /machine pc7

# ---- unblock over there, by both ways ----
check 'unblock with the admin key' eval \
	'printf "%s\n" 000102030405060708090A0B0C0D0E0F 2468 | mgr unblock /instance 1 /AdminKey /machine pc7'
got=0
printf '%s\n' FF0102030405060708090A0B0C0D0E0F 2468 |
	mgr unblock /instance 1 /AdminKey /machine pc7 >/dev/null 2>wrong.log || got=$?
same 'a wrong admin key: status 6 comes back' 6 "$got"
got=0
printf '%s\n' 000102030405060708090A0B0C0D0E0F 13579246 |
	mgr unblock /instance 1 /AdminKey /machine pc7 >/dev/null 2>wrong.log || got=$?
same 'a PIN against the policy of over there: status 6' 6 "$got"
matches 'and its reason' 'too long' "$(cat wrong.log)"
check 'unblock with the PUK' eval \
	'printf "%s\n" 86427531 97531 | mgr unblock /instance 1 /PUK /machine pc7'
got=0
printf '%s\n' 86427532 97531 | mgr unblock /instance 1 /machine pc7 >/dev/null 2>wrong.log || got=$?
same 'a wrong PUK: status 6' 6 "$got"

# ---- failures of over there come back ----
refuse 'no such card: 3' 3 mgr destroy /instance 7 /machine pc7
refuse 'no TPM: 4' 4 mgr create /name x /AdminKey DEFAULT /PIN DEFAULT /machine no-tpm
refuse 'no rights: 5' 5 mgr create /name x /AdminKey DEFAULT /PIN DEFAULT /machine nobody
refuse 'no room: 7' 7 mgr create /name x /AdminKey DEFAULT /PIN DEFAULT /machine full
refuse 'wrong usage is told here: 2' 2 mgr create /name x /PIN 12345678 /machine pc7
refuse 'a host that is an option: 2' 2 mgr list /machine -oProxyCommand=x
refuse 'attached, too: 2' 2 mgr list --machine=-oProxyCommand=x
refuse 'no secret to be had: 6' 6 mgr create /name x /PIN PROMPT /machine pc7

# ---- hosts that are none ----
fault() { "$@" 2>&1 </dev/null || :; }
refuse 'a dead host: 1' 1 mgr list /machine dead
matches 'says so' '^tpmvscmgr: cannot reach dead' "$(fault mgr list /machine dead)"
matches 'ssh tells why' 'Connection refused' "$(fault mgr list /machine dead)"
refuse 'an unknown key: 1' 1 mgr list /machine stranger
matches 'ssh tells of the key' 'Permission denied' "$(fault mgr list /machine stranger)"
refuse 'a host without the tool: 1' 1 mgr list /machine bare
matches 'says so, too' '^tpmvscmgr: bare has no tpmvscmgr' "$(fault mgr list /machine bare)"
refuse 'an exit status of nobody: 1' 1 mgr list /machine strange
refuse 'a far side that is killed: 1' 1 mgr list /machine killed
refuse 'no ssh here: 1' 1 env PATH=/nowhere "$tool" list /machine pc7
matches 'which is told' 'openssh-client' "$(fault env PATH=/nowhere "$tool" list /machine pc7)"

# ---- whatever ends us ends ssh ----
"$tool" list /machine slow --config "$conf" >/dev/null 2>&1 </dev/null &
slow=$!
check 'ssh is at work' wait_for 10 pgrep -P "$slow" -x ssh
ssh_pid=$(pgrep -P "$slow" -x ssh)
kill "$slow"
wait "$slow" || :
check 'ssh has ended with us' wait_for 5 gone "$ssh_pid"

# ---- a hostile one ----
refuse 'its exit status is passed on' 3 mgr list /machine hostile
same 'nothing a terminal would obey in its output' $'?]0;owned?out\n?[2J' \
	"$(mgr list /machine hostile 2>/dev/null </dev/null || :)"
same 'nor in its messages' '?[31merr' "$(mgr list /machine hostile 2>&1 >/dev/null </dev/null || :)"
fails 'no escape gets through' grep -q $'[\033\007\233]' <(fault mgr list /machine hostile)

# ---- nothing in argv or the environment, of any process ----
printf '%s\n' 31415926535 27182818284 >needles
{ printf '%s\n' 31415926535 27182818284; } |
	mgr create /name Watched /AdminKey DEFAULT /PIN PROMPT /PUK PROMPT /machine pc7 >/dev/null 2>create.log &
watched=$!
samples=0 seen=''
while kill -0 $watched 2>/dev/null; do
	seen+=$(grep -alFf needles /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null || :)
	pgrep -f 'tpmvscmgr --stdio' >/dev/null && samples=$((samples + 1))
done
wait $watched || not_ok "create, watched: $(cat create.log)"
check 'the far side was seen at work' test "$samples" -gt 0
same 'no secret in arguments or environment' '' "$seen"

# ---- the forced command, whatever the client asks for ----
refuse 'another command gets the tool, which wants a request' 2 ssh pc7 'rm -rf /'
same 'and the request is what counts' '' \
	"$(echo '{"version":1,"arguments":["repair","/quiet"],"secrets":[]}' | ssh pc7 id 2>&1)"
refuse 'by hand at a terminal it says what it is' 2 script -qec "$tool --stdio" /dev/null

# ---- hostile requests: one line of error, and nothing is left ----
state_of() { far_nv; find "$far/state" -printf '%P %s %m\n' | sort; }
was=$(state_of)
cat >requests.py <<'END'
import json, sys
good = {"version": 1, "arguments": ["create", "/name", "x", "/PIN", "PROMPT", "/AdminKey", "DEFAULT"], "secrets": ["pin"]}
def req(arguments, secrets=(), lines=(), version=1, **more):
    return (json.dumps({"version": version, "arguments": arguments, "secrets": list(secrets), **more}) + "\n"
            + "".join(l + "\n" for l in lines)).encode()
create = ["create", "/name", "x", "/AdminKey", "DEFAULT", "/PIN"]
bad = [
    b"", b"\n", b"\0\n", b"hello\n", b"{}\n", b"[]\n", b"null\n", b"1\n", b'"x"\n', b"{" * 1000 + b"\n", b"[" * 60000 + b"\n",
    b"\xff\xfe\n", b"\x1b]0;x\x07\n", b"x" * 65536 + b"\n", b"x" * 65537 + b"\n", b"x" * 1000000, b" " * 65535 + b"\n",
    json.dumps(good).encode(), b"GET / HTTP/1.1\r\n\r\n", b"SSH-2.0-x\r\n",
]
for i in range(0, 90, 5):
    bad.append(json.dumps(good).encode()[:i] + b"\n12341234\n")
bad += [
    req(["list"], version=2), req(["list"], version="1"), req(["list"], version=None), req(["list"], x=1),
    req([]), req(["list", "list"]), req(["nonsense"]), req(["/quiet"]), req([""]), req(["create"]), req(None and [] or [1]),
    req([None]), req([["list"]]), req([{"list": 1}]), req(["list\0"]), req(["list"] + ["-q"] * 63), req(["list"] + ["-q"] * 5000),
    req(["--stdio"]), req(["list", "--stdio"]), req(["list", "/?"]), req(["--help"]), req(["--version"]), req(["create", "/?"]),
    req(["list", "/machine", "pc7"]), req(["list", "--machine=pc7"]), req(["list", "--config", "/etc/passwd"]), req(["list", "-c", "/x"]),
    req(create + ["PROMPT", "--pin-file", "/etc/passwd"]), req(create + ["PROMPT", "--pin-file=-"], ["pin"], ["12341234"]),
    req(create + ["DEFAULT", "--record", "/tmp/x"]), req(["show", "/instance", "0", "--record", "/tmp/x"]),
    req(["enroll", "-i", "0", "--slot", "9a", "--subject", "CN=x"]), req(["enroll", "-i", "0", "--slot", "9a", "--install", "/etc/passwd"]),
    req(["change-pin", "-i", "0"], ["pin", "new-pin"], ["97531246", "11112222"]), req(["change-puk", "-i", "0"]),
    req(["change-admin-key", "-i", "0"]), req(["respond", "--record", "/etc/passwd"]), req(["unblock", "-i", "0", "--challenge"]),
    req(create + ["PROMPT"]), req(create + ["PROMPT"], ["pin"]), req(create + ["PROMPT"], ["puk"], ["12341234"]),
    req(create + ["PROMPT"], ["pin"], [""]), req(create + ["PROMPT"], ["pin"], ["short"]), req(create + ["PROMPT"], ["pin"], ["1234\0" + "567"]),
    req(create + ["PROMPT"], ["pin"], ["1" * 128]), req(create + ["PROMPT"], ["pin"], ["1" * 100000]),
    req(create + ["PROMPT"], ["pin", "pin"], ["12341234"] * 2), req(create + ["PROMPT"], ["password"], ["12341234"]),
    req(create + ["PROMPT"], [1], ["12341234"]), req(create + ["PROMPT"], ["pin", "puk"], ["12341234"]),
    req(create + ["PROMPT"], ["pin"] * 50, ["12341234"]), req(create + ["12341234"]),
    req(["create", "/name", "x" * 65, "/PIN", "DEFAULT"]), req(["create", "/name", "a\x1b[31m", "/PIN", "DEFAULT"]),
    req(["create", "/name", "", "/PIN", "DEFAULT"]), req(["create", "/name", "x", "/AdminKey", "PROMPT"], ["admin-key"], ["xyz"]),
    req(["create", "/name", "x", "/AdminKey", "PROMPT"], ["admin-key"], ["00" * 23]), req(["create", "/name", "x", "/attestation", "AIK_AND_CERT"]),
    req(["destroy", "/instance", "../../etc"]), req(["destroy", "/instance", "9999"]), req(["destroy", "/instance", "-1"]),
    req(["destroy", "/instance", "8"]), req(["destroy"]), req(["show", "/instance", "8"]),
    req(["unblock", "-i", "0", "/PUK"], ["puk"], ["86427531"]), req(["unblock", "-i", "8", "/AdminKey"], ["admin-key", "new-pin"], ["00" * 24, "12341234"]),
]
for i, b in enumerate(bad):
    open("request.%03d" % i, "wb").write(b)
END
python3 requests.py
count=0 wrong=''
for request in request.*; do
	[ "$request" != requests.py ] || continue
	count=$((count + 1)) got=0
	timeout 60 "$tool" --stdio --config "$far/tpmvsc.conf" <"$request" >request-out 2>request-err || got=$?
	case $got in
	1 | 2 | 3 | 6) ;;
	*) wrong+=" $request:status-$got" ;;
	esac
	[ ! -s request-out ] || wrong+=" $request:output"
	lines=$(grep -vc '^tpmvscmgr: warning: ' request-err || :)
	[ "$lines" -eq 1 ] || wrong+=" $request:$lines-lines"
	if grep -q '[[:cntrl:]]' request-err; then wrong+=" $request:controls"; fi
done
same 'each hostile request gets one line and its status' '' "$wrong"
check 'there are a hundred of them' test "$count" -ge 100
same 'and they leave nothing' "$was" "$(state_of)"

# ---- the end over there ----
check 'destroy the first' mgr destroy /instance 'ROOT\SMARTCARDREADER\0000' /machine pc7
check 'destroy the second' mgr destroy /instance 1 /machine root@pc7
check 'destroy the third' mgr destroy /quiet /instance 2 /machine pc7
same 'nothing is left in the far TPM' "$before" "$(far_nv)"
matches 'nor any card' 'no TPM virtual smart cards' "$(far_mgr list 2>&1)"
