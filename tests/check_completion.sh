#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What bash completes is what the tool's grammar has: every command, every option
# in both spellings, every word that the parser says an option wants, and nothing
# else; and instances and files.
set -eu
builddir=${builddir:?directory of the build}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed=0
# shellcheck disable=SC1091
. "$builddir/etc/tpmvscmgr.bash-completion"
"$builddir/tests/grammar" >"$scratch/grammar"
cd "$scratch"
touch probe.pem 'with space.pem'
COMP_WORDS=() COMPREPLY=()

# same WHAT WANTED GOT: sets of words, one to a line, in any order.
same()
{
	local wanted got
	wanted=$(sort -u <<<"$2") got=$(sort <<<"$3")
	if [ "$wanted" = "$got" ]; then
		echo "ok - $1"
	else
		echo "not ok - $1"
		diff <(printf '%s\n' "$wanted") <(printf '%s\n' "$got") || :
		failed=1
	fi
}

# words WORD...: what completes the last word, one to a line.  As readline has it:
# "=" parts words, and is one.
words()
{
	local word
	COMP_WORDS=(tpmvscmgr)
	for word; do
		while [[ $word == *=* ]]; do
			[ -z "${word%%=*}" ] || COMP_WORDS+=("${word%%=*}")
			COMP_WORDS+=('=')
			word=${word#*=}
		done
		[[ -z $word && ${COMP_WORDS[-1]} == '=' ]] || COMP_WORDS+=("$word")
	done
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	_tpmvscmgr
	[ ${#COMPREPLY[@]} -eq 0 ] || printf '%s\n' "${COMPREPLY[@]}"
}

# field NUMBER COMMAND: of each option that the parser takes; common ones for "-".
field() { awk -F'\t' -v n="$1" -v c="$2" '$1 == c { print $n }' grammar; }

# What the parser's words about an option offer to choose from; nothing when free.
choices()
{
	local list=${1% only}
	[[ $list =~ ^(wants|knows)\ ([[:alnum:]_]+(,\ [[:alnum:]_]+)*)\ (or|and)\ ([[:alnum:]_]+)$ ]] || return 0
	printf '%s\n' "${BASH_REMATCH[2]}, ${BASH_REMATCH[5]}" | sed 's/, /\n/g'
}

plain() { tr '[:upper:]' '[:lower:]' | tr -d '-'; }

same 'commands' "$(cut -f1 grammar | uniq | grep -vx -e -)" "$(words '')"
same 'a command cut short' $'change-pin\nchange-puk' "$(words change-p)"
same 'options before a command' "$(field 2 - | sed 's/^/--/'; echo --stdio)" "$(words --)"

while read -r command; do
	options=$(field 2 "$command"; field 2 -)
	gnu=--${options//$'\n'/$'\n'--}
	same "$command: GNU's options" "$gnu" "$(words "$command" --)"
	same "$command: offered without a hyphen" "$gnu" "$(words "$command" '')"
	same "$command: Windows' options" "$(echo "$options" | sed 's/^help$/?/' | plain | sed 's,^,/,')" \
		"$(words "$command" / | plain)"
done < <(words '')

# ---- what each option takes ----
files=$'grammar\nprobe.pem\nwith space.pem'
while IFS=$'\t' read -r command option letter takes wanted; do
	at=("$command")
	[ "$command" != - ] || at=(list)
	list=$(choices "$wanted")
	offered=$(words "${at[@]}" "--$option" '')
	case $takes:$wanted in
	nothing:)
		same "$command --$option takes nothing" "$(words "${at[@]}" '')" "$offered"
		continue
		;;
	rules:*) same "$command --$option: rules" "${list:?}" "$offered" ;;
	value:*' a file'*) same "$command --$option: files" "$files" "$offered" ;;
	value:*ROOT*) continue ;; # below
	value:*' a host'*) continue ;;
	value:*) same "$command --$option: ${list//$'\n'/ }" "$list" "$offered" ;;
	esac
	same "$command --$option=" "$offered" "$(words "${at[@]}" "--$option=")"
	same "$command /$option in capitals" "$offered" "$(words "${at[@]}" "/${option^^}" '')"
	[ "$letter" = - ] || same "$command -$letter" "$offered" "$(words "${at[@]}" "-$letter" '')"
	[ -z "$list" ] || same "$command --$option, typed in lower case" "${list,,}" \
		"$({ for word in $list; do w=${word,,}; words "${at[@]}" "--$option=${w:0:2}"; done; } | sort -u)"
done <grammar

# ---- in the middle ----
same 'a prefix in capitals' '/AdminKey' "$(words create /A | grep -i key$)"
same 'a prefix in lower case' $'/pin\n/pinpolicy\n/pin-tries\n/pin-file' "$(words create /pin)"
same 'an option cut short' $'DEFAULT\nPROMPT\nRANDOM' "$(words create /ad '')"
same 'a value begun' PROMPT "$(words create /name x /PIN P)"
same 'the value of an option is no option' '' "$(words create /name /)"
same 'the word behind a value' --generate "$(words create --name --pin --g)"
same 'behind a value with an equals sign' --generate "$(words create --name=--pin --g)"
same 'no value for a flag' '' "$(words create --generate=)"
same 'no such option' '' "$(words create --colour=)"
same 'nothing for a command there is not' "$(field 2 - | sed 's/^/--/')" "$(words nonsense '')"
classes=$'ALLOWED\nDISALLOWED\nREQUIRED'
same 'the value of a rule' "$classes" "$(words create /pinpolicy minlen 4 digits '')"
same 'of a rule with a number' '' "$(words create /pinpolicy minlen '')"
same 'the next rule' maxlen "$(words create /pinpolicy minlen 4 ma)"
same 'an option behind rules' --quiet "$(words create /pinpolicy minlen 4 --qui)"
same 'its value' "$classes" "$(words create --pin-policy=minlen=4,digits=)"
same 'a rule in a list' 4,digits "$(words create --pin-policy=minlen=4,di)"
same 'a list as a word' 4,digits "$(words create /pinpolicy minlen=4,di)"
same 'a rule behind a list' maxlen "$(words create /pinpolicy minlen=4 ma)"

# ---- instances ----
mkdir -p state/0000 state/0007 state/.new state/other
echo 'state_dir = state # here' >conf
mine=(--config conf)
same 'instances' 'ROOT\\SMARTCARDREADER\\0000
ROOT\\SMARTCARDREADER\\0007' "$(words destroy --config conf /instance '')"
same 'with =' 'ROOT\\SMARTCARDREADER\\0000
ROOT\\SMARTCARDREADER\\0007' "$(words destroy --config=conf --instance=)"
same 'a letter' 'ROOT\\SMARTCARDREADER\\0007' "$(words show "${mine[@]}" -i 'ROOT\\SMARTCARDREADER\\0007')"
same 'quoted' 'ROOT\SMARTCARDREADER\0000
ROOT\SMARTCARDREADER\0007' "$(words show -c conf -i "'ROOT\\S")"
same 'in double quotes' 'ROOT\\SMARTCARDREADER\\0000
ROOT\\SMARTCARDREADER\\0007' "$(words show -c conf -i '"')"
same 'in lower case' 'root\\smartcardreader\\0000
root\\smartcardreader\\0007' "$(words unblock "${mine[@]}" /instance ro)"
same 'a number' 7 "$(words unblock "${mine[@]}" /instance 7)"
same 'four digits' $'0000\n0007\n0' "$(words unblock "${mine[@]}" /instance 0)"
echo 'state_dir = nowhere' >conf
same 'no state directory' '' "$(words destroy "${mine[@]}" /instance '' 2>&1)"
same 'no configuration' '' "$(words destroy --config none /instance '' 2>&1)"

# ---- files ----
same 'a file begun' probe.pem "$(words enroll --install pro)"
same 'behind =' probe.pem "$(words enroll --install=pro)"
exit $failed
