#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What the built objects show and want: the driver exports pcscd's entry points
# and nothing else, nothing in it can end pcscd's process, and the applet has
# no state of its own and asks nothing of the system.  Each rule is first shown
# to catch a bad sample.
set -eu
builddir=${builddir:?directory of the build}
failed=0

# expect WHAT: standard input, the breaches, must be empty.
expect()
{
	local found
	found=$(cat)
	if [ -z "$found" ]; then
		echo "ok - $1"
	else
		printf '%s\n' "$found"
		echo "not ok - $1"
		failed=1
	fi
}

# symbols FILE NM-OPTION...: names, one to a line.
symbols()
{
	local file=$1 nm
	shift
	# libtool's NM has options of its own.
	read -ra nm <<<"${NM:-nm}"
	"${nm[@]}" "$@" --format=posix "$file" | awk '{ print $1 }' | sed 's/@.*//' | sort -u
}

# rules DRIVER APPLET
rules()
{
	local driver=$1 applet=$2 exported
	exported=$(symbols "$driver" -D --defined-only)
	printf '%s\n' "$exported" | grep -v '^IFDH[A-Z]' | expect 'the driver exports IFDH* only'
	for name in IFDHCreateChannel IFDHCreateChannelByName IFDHCloseChannel \
		IFDHGetCapabilities IFDHSetCapabilities IFDHSetProtocolParameters IFDHPowerICC \
		IFDHTransmitToICC IFDHControl IFDHICCPresence; do
		grep -qx "$name" <<<"$exported" || echo "missing: $name"
	done | expect 'the driver exports every entry point pcscd asks for'

	symbols "$driver" -D -u |
		grep -xE 'abort|_?exit|_Exit|quick_exit|__assert(_fail|_perror_fail)?' |
		expect 'nothing in the driver ends the process'

	{ readelf -d "$driver" | grep -q 'NODELETE' || echo 'it is not linked with -z nodelete'; } |
		expect 'the driver stays mapped while a thread of its own may run'

	symbols "$applet" -u |
		grep -xE '(m|c|re)alloc|free|(secure_)?getenv|time|clock(_gettime)?|gettimeofday|f?open|read|write|socket|pthread_.*' |
		expect 'the applet asks for no memory, clock, environment, file or thread'
	objdump -t "$applet" |
		awk '$0 ~ /[ \t]\.t?(bss|data)(\.[^r][^ \t]*)?[ \t]/ && $NF !~ /^\./' |
		expect 'the applet has no variables that outlive a call'
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cat >"$scratch/bad.c" <<'END'
#include <stdlib.h>
int counter = 3;
static int calls;
void *bad(void);
void *bad(void) { if (calls++ > 3) abort(); counter++; return malloc(3); }
END
${CC:-cc} -fPIC -c -o "$scratch/bad.o" "$scratch/bad.c"
${CC:-cc} -shared -o "$scratch/bad.so" "$scratch/bad.o"
caught=$( (rules "$scratch/bad.so" "$scratch/bad.o") | grep -c '^not ok') || :
failed=0
if [ "$caught" -eq 6 ]; then
	echo 'ok - every rule catches a bad sample'
else
	echo "not ok - only $caught of 6 rules catch a bad sample"
	failed=1
fi

rules "$builddir/.libs/libifdtpmvsc.so" "$builddir/.libs/libapplet.a"
exit $failed
