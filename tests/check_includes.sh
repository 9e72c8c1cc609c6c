#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The rules a compiler does not check: who may include whom, which room sees
# which library, licence lines, citations, the length of functions, calls that
# belong into one room only.  Each rule is first shown to catch a bad sample.
set -eu
root=$(cd "${srcdir:-$(dirname "$0")/..}" && pwd)

# Print every breach in the tree at $1 as file:line: what.
breaches()
(
	cd "$1"
	files=()
	while IFS= read -r -d '' file; do
		files+=("${file#./}")
	done < <(find . -name .git -prune -o -path './_build*' -prune -o -name build-aux -prune -o -path './tpmvsc-*' -prune \
		-o -type f -size +0 \( -name '*.[ch]' -o -name '*.sh' -o -name '*.mk' -o -name '*.am' \
		-o -name 'configure.ac' -o -name 'bootstrap' -o -name 'tpmvsc*.m4' \
		-o -path ./tests/run -o -path ./tools/demo -o -path ./.ci/run \) -print0 | sort -z)
	[ ${#files[@]} -gt 0 ] || { echo "$1: no files to check"; return; }
	awk '
	function breach(what) { print FILENAME ":" FNR ": " what }

	BEGIN {
		# room: the rooms and single headers it may include
		arrow["base"] = "base"
		arrow["applet"] = "applet base"
		arrow["tpm"] = "tpm base applet/vault.h"
		arrow["store"] = "store base applet/store.h"
		arrow["card"] = "card applet tpm store base"
		arrow["ifd"] = "ifd card base"
		# the tool is a client of cards, too: it reads and writes the same TLV
		arrow["tools"] = "tools card base applet/tlv.h"
		arrow["tests"] = "tests base applet tpm store card ifd tools"
		# foreign header: the rooms that may see it
		foreign["tss2/"] = "tpm tests"
		foreign["openssl/"] = "tpm tools tests"
		foreign["sodium.h"] = "tpm"
		foreign["ifdhandler.h"] = "ifd tests"
		foreign["reader.h"] = "ifd tests"
		foreign["winscard.h"] = "tools tests"
		foreign["json-c/"] = "tools tests"
		foreign["cbor.h"] = "tools tests"
		foreign["qrencode.h"] = "tools"
		foreign["curl/"] = "tools"
		foreign["check.h"] = "tests"
		pure = " limits.h stdbool.h stddef.h stdint.h stdio.h string.h "
		# call: the rooms that may make it
		call["memcpy"] = call["memmove"] = "base tpm tests"
		call["strcpy"] = call["strcat"] = call["sprintf"] = call["strncpy"] = "tests"
		call["alloca"] = call["gets"] = call["abort"] = call["system"] = call["popen"] = "tests"
		call["exit"] = call["_exit"] = "tools tests"
		call["getenv"] = "tools tests"
		call["printf"] = call["puts"] = "tools tests"
		call["fprintf"] = call["fopen"] = "base tpm store card ifd tools tests"
		n = split("800-73-4 800-73-5 800-76-2 800-78-4 800-78-5 800-85A-4 800-38A 800-56A 800-108", d)
		for (i = 1; i <= n; i++)
			document[d[i]] = 1
	}
	function within(list, word) { return index(" " list " ", " " word " ") != 0 }

	FNR == 1 {
		room = FILENAME
		sub("/.*", "", room)
		source = FILENAME ~ /\.[ch]$/
		licensed = body = comment = 0
		if (source && !(room in arrow))
			breach("a source outside the rooms")
	}
	FNR <= 3 && /SPDX-License-Identifier: BSD-2-Clause/ { licensed = 1 }
	FNR == 3 && !licensed { breach("no SPDX line") }
	{
		rest = $0
		while (match(rest, /SP ?800-[0-9A-Z]+(-[0-9]+)?/)) {
			cited = substr(rest, RSTART, RLENGTH)
			id = cited
			sub(/SP ?/, "", id)
			if (!(id in document) || cited !~ /^SP 800/)
				breach("unknown document " cited)
			rest = substr(rest, RSTART + RLENGTH)
		}
	}
	!source { next }

	/^[ \t]*#[ \t]*include/ {
		name = $0
		sub(/^[^"<]*["<]/, "", name)
		sub(/[">].*/, "", name)
		if ($0 ~ /include[ \t]*"/) {
			to = name
			sub("/.*", "", to)
			if (name !~ "/")
				breach("include \"" name "\" does not name its room")
			else if (!within(arrow[room], to) && !within(arrow[room], name))
				breach("no arrow from " room " to " name)
		} else {
			for (f in foreign)
				if (index(name, f) != 0 && name ~ ("(^|/)" f) && !within(foreign[f], room))
					breach(room " must not see <" name ">")
			if (room == "applet" && index(pure, " " name " ") == 0)
				breach("applet must not see <" name ">")
		}
		next
	}

	# Strings and comments are not code.
	{
		code = $0
		gsub(/"([^"\\]|\\.)*"/, "\"\"", code)
		gsub(/\/\*([^*]|\*[^\/])*\*\//, "", code)
		if (comment) {
			if (code !~ /\*\//)
				code = ""
			else {
				sub(/^.*\*\//, "", code)
				comment = 0
			}
		}
		if (code ~ /\/\*/) {
			sub(/\/\*.*/, "", code)
			comment = 1
		}
	}
	room != "base" && room != "tests" && code ~ /\[[A-Za-z_>.-]+\+\+\][ \t]*=[^=]/ { breach("stores by a running index") }
	{
		rest = code
		while (match(rest, /[A-Za-z_][A-Za-z0-9_]*[ \t]*\(/)) {
			name = substr(rest, RSTART, RLENGTH)
			sub(/[ \t]*\($/, "", name)
			before = RSTART > 1 ? substr(rest, RSTART - 1, 1) : ""
			if ((name in call) && before != "." && before != ">" && !within(call[name], room))
				breach(room " must not call " name "()")
			rest = substr(rest, RSTART + RLENGTH)
		}
	}
	room == "applet" && code ~ /^[ \t]*static / && code !~ /const/ && code ~ /(=|;)[^(]*$/ &&
	    code !~ /\(/ { breach("applet must not have state of its own") }
	/^{/ { body = FNR }
	/^}/ && body {
		if (FNR - body - 1 > (room == "tests" ? 90 : 60))
			breach("a function of " (FNR - body - 1) " lines")
		body = 0
	}
	FNR > 500 && !long[FILENAME]++ && room != "tests" { breach("a file of more than 500 lines") }
	' "${files[@]}"
)

spdx='/* SPDX-License-Identifier: BSD-2-Clause */'
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed=0

# sample FILE LINES EXPECTED: one file with those lines breaks one rule.
sample()
{
	local dir=$scratch/sample
	rm -rf "$dir"
	mkdir -p "$dir/${1%/*}"
	printf '%b\n' "$2" >"$dir/$1"
	if breaches "$dir" | grep -qF "$3"; then
		echo "ok - catches: $3"
	else
		echo "not ok - does not catch: $3"
		failed=1
	fi
}

# fine WHAT FILE LINES: looks like a breach and is none.
fine()
{
	local dir=$scratch/sample found
	rm -rf "$dir"
	mkdir -p "$dir/${2%/*}"
	printf '%b\n' "$3" >"$dir/$2"
	found=$(breaches "$dir")
	if [ -z "$found" ]; then
		echo "ok - accepts: $1"
	else
		echo "not ok - refuses: $found"
		failed=1
	fi
}

sample applet/a.c "$spdx\n#include \"store/files.h\"" 'no arrow from applet to store/files.h'
sample base/a.h "$spdx\n#include \"applet/vault.h\"" 'no arrow from base to applet/vault.h'
sample tpm/a.c "$spdx\n#include \"applet/piv.h\"" 'no arrow from tpm to applet/piv.h'
sample store/a.c "$spdx\n#include \"applet/vault.h\"" 'no arrow from store to applet/vault.h'
sample ifd/a.c "$spdx\n#include \"tpm/tpm.h\"" 'no arrow from ifd to tpm/tpm.h'
sample tools/a.c "$spdx\n#  include \"applet/piv.h\"" 'no arrow from tools to applet/piv.h'
sample card/a.c "$spdx\n#include \"ifd/slots.h\"" 'no arrow from card to ifd/slots.h'
sample card/a.c "$spdx\n#include \"card.h\"" 'does not name its room'
sample extra/a.c "$spdx\nint x;" 'a source outside the rooms'
sample card/a.c "$spdx\n#include <tss2/tss2_esys.h>" 'card must not see <tss2/tss2_esys.h>'
sample card/a.c "$spdx\n#include <openssl/evp.h>" 'card must not see <openssl/evp.h>'
sample tools/a.c "$spdx\n#include <ifdhandler.h>" 'tools must not see <ifdhandler.h>'
sample ifd/a.c "$spdx\n#include <PCSC/winscard.h>" 'ifd must not see <PCSC/winscard.h>'
sample applet/a.c "$spdx\n#include <stdlib.h>" 'applet must not see <stdlib.h>'
sample applet/a.c "$spdx\n\nstatic int count;" 'applet must not have state'
sample card/a.c '\n\nint x;' 'no SPDX line'
sample tests/run '#!/bin/sh\n\ntrue' 'no SPDX line'
sample card/a.c "$spdx\n/* SP 80""0-83-4 Part 2 */" 'unknown document SP 8''00-83-4'
sample card/a.c "$spdx\n/* SP80""0-73-4 Part 2 */" 'unknown document SP8''00-73-4'
sample card/a.c "$spdx\n\nbuf[i++] = 3;" 'stores by a running index'
sample card/a.c "$spdx\n\nmemcpy(a, b, 3);" 'card must not call memcpy()'
sample ifd/a.c "$spdx\n\n\tabort();" 'ifd must not call abort()'
sample card/a.c "$spdx\n\nx = getenv(\"TCTI\");" 'card must not call getenv()'
sample applet/a.c "$spdx\n\n\tfprintf(stderr, \"x\");" 'applet must not call fprintf()'
sample card/a.c "$spdx\nint\nf(void)\n{$(printf '%61s' '' | sed 's/ /\\n\\tx;/g')\n}" 'a function of 61 lines'
sample card/a.c "$spdx$(printf '%500s' '' | sed 's/ /\\n/g')\nint x;" 'a file of more than 500 lines'
fine "what tpm may see" tpm/a.c "$spdx\n#include \"applet/vault.h\"\n#include <tss2/tss2_sys.h>"
fine "what tools may see" tools/a.c "$spdx\n#include \"applet/tlv.h\"\n#include <winscard.h>"
fine "names in comments and strings" store/a.c "$spdx\n/* SP 800-73-4 Part 2, 3.2.1; never abort() */\nlog(\"memcpy(\");"
fine "constant tables and functions in applet" applet/a.c "$spdx\n#include <string.h>\nstatic const int t[] = { 1 };\nstatic int f(void);"
fine "a function of 60 lines" card/a.c "$spdx\nint\nf(void)\n{$(printf '%60s' '' | sed 's/ /\\n\\tx;/g')\n}"

found=$(breaches "$root")
if [ -z "$found" ]; then
	echo "ok - the tree keeps the rules"
else
	printf '%s\n' "$found"
	echo "not ok - the tree keeps the rules"
	failed=1
fi
exit $failed
