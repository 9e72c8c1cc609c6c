#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What make install puts where, what make uninstall takes away and in which order.
set -eu
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_root
need_packages man-db mandoc
cd "$scratch"
install_private
root=$scratch/root
in_root() { make -C "$build" DESTDIR="$root" "$@"; }
driver=$root$prefix/lib/pcsc/drivers/serial/libifdtpmvsc.so
entry=$root$prefix/etc/reader.conf.d/libifdtpmvsc
installed_conf=$root$prefix/etc/tpmvsc.conf
dropin=$root$prefix/lib/systemd/system/pcscd.service.d/50-tpmvsc.conf
statedir=$root$prefix/var/lib/tpmvsc
files() { (cd "$root" && find . ! -type d | sort); }
value() { sed -n "s|^$1 *||p" "$entry"; }

check 'make DESTDIR= install' in_root install
check 'the driver' test -f "$driver"
check 'no libtool archive beside it' test ! -e "${driver%.so}.la"
check 'the tool' test -x "$root$prefix/sbin/tpmvscmgr"
check 'the configuration' test -f "$installed_conf"
check 'the drop-in' grep -qx 'SupplementaryGroups=tss' "$dropin"
check 'the drop-in lets pcscd write the state directory' grep -qxE "(StateDirectory=tpmvsc|ReadWritePaths=$prefix/var/lib/tpmvsc)" "$dropin"
same 'its name on Windows is a link to it' tpmvscmgr "$(readlink "$root$prefix/sbin/tpmvscmgr.exe")"
check 'the link works' "$root$prefix/sbin/tpmvscmgr.exe" --version
check 'completion for bash' bash -n "$root$prefix/share/bash-completion/completions/tpmvscmgr"
check 'nothing half-substituted' eval "! grep -r '@[a-zA-Z_]*@' $root$prefix/etc $root$prefix/lib/systemd $root$prefix/share"
same 'the state directory is for its owner alone' '700 root' "$(stat -c '%a %U' "$statedir")"
same 'LIBPATH is where the driver will be' "${driver#"$root"}" "$(value LIBPATH)"
same 'DEVICENAME is the configuration' "tpmvsc:${installed_conf#"$root"}" "$(value DEVICENAME)"
same 'FRIENDLYNAME' '"TPM Virtual Smart Card"' "$(value FRIENDLYNAME)"
same 'CHANNELID' 0 "$(value CHANNELID)"
same 'one file in reader.conf.d' libifdtpmvsc "$(ls -A "$(dirname "$entry")")"

# ---- the manual ----
for page in "$root$prefix"/share/man/man*/*; do
	same "${page##*/}: man has no warning" '' "$(man --warnings -E UTF-8 -l -Tutf8 -Z "$page" 2>&1 >/dev/null)"
	same "${page##*/}: mandoc has none" '' "$(mandoc -T lint -W warning "$page" 2>&1)"
done

# Every value the configuration documents, taken out of its comments.
sed -n 's/^#\([a-z_]* = .\)/\1/p' "$installed_conf" >"$conf"
check 'the documented defaults are there' test "$(wc -l <"$conf")" -ge 4
sed -i "s|^tcti = .*|tcti = $tcti|; s|^state_dir = .*|state_dir = $state|" "$conf"
install -d -m 0700 "$state"
swtpm_start
check 'the documented defaults are accepted' mgr list

# The entry as installed, in a pcscd of its own.
sed "s|^DEVICENAME.*|DEVICENAME tpmvsc:$conf|" "$entry" >entry.tmp
write_conf
cp entry.tmp "$scratch/reader.conf.d/libifdtpmvsc"
pcscd_start
matches 'pcscd starts with the entry and shows the reader' "$(reader 0)" "$(opensc-tool -l)"
pcscd_stop

# ---- again, over a configuration somebody has changed ----
echo 'spare_slots = 3' >>"$installed_conf"
check 'install again' in_root install
check 'a changed configuration is kept' grep -qx 'spare_slots = 3' "$installed_conf"
mkdir "$statedir/0000"

# ---- uninstall; a failure in its middle must not leave the entry behind ----
refuse 'uninstall that cannot remove the driver' 2 in_root uninstall LIBTOOL=false
check 'has removed the entry before' test ! -e "$entry"
check 'install repairs it' in_root install
check 'uninstall' in_root uninstall
check 'the entry is gone' test ! -e "$entry"
check 'the driver is gone' test ! -e "$driver"
check 'the drop-in is gone' test ! -e "$dropin"
check 'cards are kept' test -d "$statedir/0000"
same 'nothing is left but the changed configuration' ".$prefix/etc/tpmvsc.conf" "$(files)"

rm -f "$installed_conf"
rmdir "$statedir/0000"
check 'install once more' in_root install
check 'uninstall once more' in_root uninstall
same 'nothing is left' '' "$(files)"
check 'an empty state directory is gone too' test ! -e "$statedir"
check 'uninstall of nothing' in_root uninstall
