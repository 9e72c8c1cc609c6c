#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The conformance tables (tests/conformance) on a card, through pcscd.
#
#	tests/e2e_conformance.sh [TABLE]
set -eu
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_root
cd "$scratch"
install_private
swtpm_start
write_conf 'spare_slots = 2'
pcscd_start

# A card named as the tables want it, without keys and data objects: with its
# PUK and the default PIN and management key, or as a word says.
cat >renew <<END
#!/bin/bash
set -eu
mgr() { "$prefix/sbin/tpmvscmgr" "\$@" --config "$conf" /quiet; }
[ ! -d "$state/0000" ] || mgr destroy /instance 0
options=(/name 'Test card' /AdminKey DEFAULT)
policy=(minlen 6 maxlen 8 uppercase DISALLOWED lowercase DISALLOWED specialchars DISALLOWED)
case \${1:-} in
no-puk) mgr create "\${options[@]}" /PIN DEFAULT --allow-reset ;;
no-reset) echo 87654321 | mgr create "\${options[@]}" /PIN DEFAULT /PUK PROMPT ;;
digits) printf '%s\n' 12345678 87654321 | mgr create "\${options[@]}" /PIN PROMPT /PUK PROMPT \
	/pinpolicy "\${policy[@]}" --allow-reset ;;
*) echo 87654321 | mgr create "\${options[@]}" /PIN DEFAULT /PUK PROMPT --allow-reset ;;
esac >renew.out 2>renew.err || { cat renew.err >&2; exit 1; }
END
chmod +x renew
check 'a card for the tables' ./renew

# Its lines are counted with those of this script.
"$build/tests/conformance/live" "$(reader 0)" "$top/tests/conformance" "$scratch/renew" "$@" 2>live.log ||
	failed=$((failed + 1))
check 'destroy' mgr destroy /instance 0
