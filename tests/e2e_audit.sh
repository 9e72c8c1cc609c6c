#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Audit records of the tool and of the driver, where the journal listens: one
# each, no secret in any, and a journal that does not read stops nobody.
set -eu
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_root
need_packages pcscd python3 swtpm tpm2-tools libtss2-tcti-swtpm0
cd "$scratch"
install_private
swtpm_start
write_conf 'spare_slots = 2'

# The journal's socket is in the private /run, which pcscd and the tool here see.
mkdir -p "$scratch/run/systemd/journal"
journal=$scratch/run/systemd/journal/socket
cat >journal.py <<'END'
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
while True:
    record = s.recv(65536)
    with open(sys.argv[2], "ab") as f:
        f.write(record + b"\n")
END
journal_pid=''
journal_start()
{
	rm -f "$journal"
	python3 journal.py "$journal" records >>journal.log 2>&1 </dev/null &
	journal_pid=$!
	wait_for 10 test -S "$journal" || die 'listen as the journal'
}
finish_more() { stop_process "$journal_pid"; }
in_run() { unshare -m --propagation unchanged sh -c "$with_run" "$scratch/run" "$@"; }
tool() { in_run "$prefix/sbin/tpmvscmgr" "$@" --config "$conf"; }

# record N: the Nth record, once it is there; count: how many there are.
count() { grep -c '^MESSAGE_ID=' records 2>/dev/null || :; }
has() { [ "$(count)" -ge "$1" ]; }
record()
{
	wait_for 5 has "$1" || :
	awk -v n="$1" 'BEGIN { RS = "" } /MESSAGE_ID=/ && ++i == n' records
}
field() { sed -n "s/^$2=//p" <<<"$(record "$1")"; }

: >records
journal_start
pcscd_start

printf '%s\n' 97531246 86427531 | tool create /name 'Corp Access' /AdminKey DEFAULT /PIN PROMPT /PUK PROMPT \
	--pin-tries 2 --puk-tries 2 /generate >/dev/null 2>create.log || die "create: $(cat create.log)"
same 'a creation is recorded' create "$(field 1 TPMVSC_EVENT)"
same 'its MESSAGE_ID' 4f6eed2b8aa84cb4bcf64039d5a62939 "$(field 1 MESSAGE_ID)"
same 'the instance' 'ROOT\SMARTCARDREADER\0000' "$(field 1 TPMVSC_INSTANCE)"
same 'the name' 'Corp Access' "$(field 1 TPMVSC_NAME)"
matches 'the GUID' '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' "$(field 1 TPMVSC_GUID)"
same 'who' 0 "$(field 1 TPMVSC_UID)"
same 'how it went' 'done' "$(field 1 TPMVSC_OUTCOME)"
matches 'a line for a person' 'Corp Access. was created' "$(field 1 MESSAGE)"
same 'for the log that concerns access' 10 "$(field 1 SYSLOG_FACILITY)"

check 'the card is in its reader' wait_for 5 card_in 0
session_open 0
expect_sw 'one try is left' 63C1 "$(verify_apdu 00000001)"
same 'a wrong PIN alone is not recorded' 1 "$(count)"
expect_sw 'none is left' 6983 "$(verify_apdu 00000002)"
same 'the block is recorded' block "$(field 2 TPMVSC_EVENT)"
same 'of the PIN' PIN "$(field 2 TPMVSC_BY)"
same 'of that card' 'ROOT\SMARTCARDREADER\0000 Corp Access' "$(field 2 TPMVSC_INSTANCE) $(field 2 TPMVSC_NAME)"
same 'with the GUID of its creation' "$(field 1 TPMVSC_GUID)" "$(field 2 TPMVSC_GUID)"
same 'as a warning' 4 "$(field 2 PRIORITY)"
expect_sw 'it stays blocked' 6983 "$(verify_apdu 00000003)"
expect_sw 'a new try at it' 6983 "$(verify_apdu 97531246)"
expect_sw 'a wrong PUK' 63C1 "$(unblock_apdu 00000001 11112222)"
same 'once for a block' 2 "$(count)"
expect_sw 'the PUK is blocked, too' 6983 "$(unblock_apdu 00000002 11112222)"
same 'which is recorded' 'block PUK' "$(field 3 TPMVSC_EVENT) $(field 3 TPMVSC_BY)"
session_close

printf '%s\n' FF0203040506070801020304050607080102030405060708 13572468 |
	tool unblock /instance 0 /AdminKey >/dev/null 2>&1 || :
same 'an unblock that is refused is recorded' 'unblock wrong-secret administrator key' \
	"$(field 4 TPMVSC_EVENT) $(field 4 TPMVSC_OUTCOME) $(field 4 TPMVSC_BY)"
# shellcheck disable=SC2016
check 'unblock' eval 'printf "%s\n" $default_admin_key 13572468 | tool unblock /instance 0 /AdminKey'
same 'and one that is done' 'unblock done' "$(field 5 TPMVSC_EVENT) $(field 5 TPMVSC_OUTCOME)"
sed 's/tpm.sock/no.sock/' "$conf" >no-tpm.conf
refuse 'no card where the TPM is away' 4 in_run "$prefix/sbin/tpmvscmgr" create /quiet /name x \
	/AdminKey DEFAULT /PIN DEFAULT --config "$scratch/no-tpm.conf"
same 'a creation that failed is recorded' 'create tpm-problem x' \
	"$(field 6 TPMVSC_EVENT) $(field 6 TPMVSC_OUTCOME) $(field 6 TPMVSC_NAME)"

# ---- a journal that does not read, and then none ----
kill -STOP "$journal_pid"
check 'its queue can be filled' python3 -c "
import socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.setblocking(False)
try:
    for i in range(100000):
        s.sendto(b'MESSAGE=x\n', '$journal')
except BlockingIOError:
    raise SystemExit(0)
raise SystemExit(1)"
begin=$SECONDS
check 'a card is made nevertheless' tool create /name Second /AdminKey DEFAULT /PIN DEFAULT --pin-tries 1
check 'it is in its reader' wait_for 5 card_in 1
session_open 1
expect_sw 'and blocked' 6983 "$(verify_apdu 00000001)"
session_close
check 'without waiting' test $((SECONDS - begin)) -lt 30
kill -CONT "$journal_pid"
stop_process "$journal_pid" || :
journal_pid=''
rm -f "$journal"
check 'without a journal' tool destroy /instance 1
journal_start
before=$(count)
check 'destroy' tool destroy /instance 0
same 'a destruction is recorded' 'destroy Corp Access done' \
	"$(field $((before + 1)) TPMVSC_EVENT) $(field $((before + 1)) TPMVSC_NAME) $(field $((before + 1)) TPMVSC_OUTCOME)"
refuse 'a card there is not' 3 tool destroy /instance 0
same 'is no event' $((before + 1)) "$(count)"

fails 'no secret in any record' grep -qE '97531246|86427531|13572468|11112222|0000000[123]|0102030405060708' records
