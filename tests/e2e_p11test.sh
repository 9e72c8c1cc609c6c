#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# OpenSC's own tests of a PKCS#11 token, p11test, built from the source package
# of the OpenSC that is installed, over keys of every kind.
set -eu
# shellcheck source=tests/opensc.sh
. "$(dirname "${BASH_SOURCE[0]}")/opensc.sh"

# ---- the source: by a list of our own, from where the installed package comes ----
installed() { dpkg-query -W -f "\${$1}" opensc-pkcs11; }

# Lists and archives are in the scratch directory; what the system has of them is not touched.
fetch()
{
	local apt=(-o "Dir::Etc::sourcelist=$PWD/opensc/sources.list" -o Dir::Etc::sourceparts=-
		-o "Dir::State::lists=$PWD/opensc/lists" -o "Dir::Cache=$PWD/opensc/cache")
	mkdir -p opensc/lists/partial opensc/cache/archives/partial opensc/source
	apt-cache madison opensc-pkcs11 | awk -v version="$(installed Version)" '
		$3 == version {
			suite = component = $6
			sub("/[^/]*$", "", suite)
			sub(".*/", "", component)
			print "deb-src", $5, suite, component
		}' | sort -u >opensc/sources.list
	cat opensc/sources.list
	test -s opensc/sources.list &&
		apt-get "${apt[@]}" update &&
		(cd opensc/source && apt-get "${apt[@]}" source \
			"$(installed source:Package)=$(installed source:Version)")
}

# build PROGRAM SOURCE-DIRECTORY: nothing of OpenSC but its headers is in it.
build()
{
	mkdir -p include
	echo '#define ENABLE_OPENSSL 1' >include/config.h
	gcc -O1 -w -Iinclude -I"$2/src" -o "$1" "$2"/src/tests/p11test/*.c -lcmocka -lcrypto -ldl
}

check 'the source of the installed OpenSC' fetch
source=$(find opensc/source -mindepth 1 -maxdepth 1 -type d)
check 'build p11test' build p11test "$source"

# Built with OpenSSL 3 it has room for points of P-256 only, and leaves out what
# it finds after a longer one, without saying so.  So it runs as it is, and
# again with room enough.
cp -r "$source" wide
sed -i 's/unsigned char pubkey\[80\]/unsigned char pubkey[133]/' wide/src/tests/p11test/p11test_case_common.c
fails 'there was too little room' diff -r "$source" wide
check 'build p11test with room for P-384' build p11test-wide wide

# ---- the tests ----

# passes WHAT PROGRAM SLOT: with -i it waits for a card as well, which is there.
passes()
{
	local what=$1 program=$2 status=0
	timeout 100 "./$program" -v -i -s "$3" -p 12345678 -m "$module" >p11.out 2>p11.err || status=$?
	same "$what: exit status" 0 "$status"
	matches "$what: ran" '^\[==========\] 11 test\(s\) run\.' "$(cat p11.out)"
	matches "$what: passed" '^\[  PASSED  \] 11 test\(s\)\.' "$(cat p11.err)"
	[ "$status" -eq 0 ] || grep -hE 'FAILED|ERROR|SKIP' p11.out p11.err
}

# works WHAT TEST N: so many of the test's rows, one for a mechanism and a key, say that it works.
works()
{
	same "$1: rows in $2" "$3" "$(awk -v test="$2" '
		$1 == "[" && $2 == "RUN" { on = $4 == test }
		on && /^ +\[ [A-Z0-9_]+ +\].*\[\.\/\]/ { n++ }
		END { print n + 0 }' p11.out)"
}

swtpm_start
write_conf 'spare_slots = 2'
pcscd_start
create_card First 0
admin_session 0
enrol 9A 07 9a 'RSA-2048 in 9A'
enrol 9C 11 9c 'P-256 in 9C'
enrol 9D 14 9d 'P-384 in 9D'
enrol 9E 11 9e 'P-256 in 9E'
session_close
passes 'p11test as it is' p11test 0

# 9 mechanisms of RSA PKCS #1 v1.5 and raw, 5 of ECDSA.  PSS in each of its
# mechanisms, with each MGF and three lengths of salt: 135.  OAEP where hash and
# MGF are the same: 5; OpenSC takes the one's length for the other's.
what='RSA-2048, P-256, P-384 for ECDH'
passes "$what" p11test-wide 0
works "$what" readonly_tests 19
works "$what" multipart_tests 9
works "$what" pss_oaep_test 140
works "$what" derive_tests 2

# RSA is not in 9C: after its own mistake with OAEP OpenSC tries again without the PIN.
create_card Second 1
admin_session 1
enrol 9A 05 9a 'RSA-3072 in 9A'
enrol 9C 14 9c 'P-384 in 9C'
enrol 9D 11 9d 'P-256 in 9D'
enrol 9E 07 9e 'RSA-2048 in 9E'
session_close
what='RSA-3072 and -2048, P-384, P-256 for ECDH'
passes "$what" p11test-wide 4
works "$what" readonly_tests 23
works "$what" multipart_tests 18
works "$what" pss_oaep_test 275
works "$what" derive_tests 2
