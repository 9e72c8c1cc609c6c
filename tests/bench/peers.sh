# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# A part of tests/bench/run: the cards through OpenSC's PKCS#11 module beside
# tpm2-pkcs11 on the same TPM, and SoftHSM, which asks no TPM.
#
# tpm2-pkcs11 means to have a resource manager below it, which this TPM has not:
# it leaves sessions behind, and stumbles over what others left.  So the TPM is
# emptied before and after it, and pcscd, whose driver would take its own objects'
# numbers for its own, does not run meanwhile.
# shellcheck disable=SC2034,SC2154
parts+=(peers)

module_named() { find /usr/lib -name "$1" -print -quit 2>/dev/null; }

empty_tpm()
{
	local kind
	for kind in --transient-object --loaded-session --saved-session; do
		tpm2_flushcontext "$kind" >>"$scratch/tpm2-pkcs11.log" 2>&1 || die "empty the TPM: $kind"
	done
}

# peer_tool COMMAND...: what sets a peer up.
peer_tool()
{
	"$@" >>"$scratch/peers.log" 2>&1 </dev/null || die "$*: $(tail -n 3 "$scratch/peers.log")"
}

prepare_softhsm()
{
	export SOFTHSM2_CONF=$scratch/softhsm.conf
	softhsm_module=$(module_named libsofthsm2.so)
	mkdir -p "$scratch/softhsm"
	printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' \
		"$scratch/softhsm" >"$SOFTHSM2_CONF"
	peer_tool softhsm2-util --init-token --free --label peer --pin 12345678 --so-pin 12345678
	local tool=(pkcs11-tool --module "$softhsm_module" --token-label peer --login --pin 12345678)
	peer_tool "${tool[@]}" --keypairgen --key-type EC:prime256v1 --usage-sign --usage-derive --id 01 --label ec
	peer_tool "${tool[@]}" --keypairgen --key-type rsa:2048 --id 02 --label rsa
}

prepare_tpm2_pkcs11()
{
	export TPM2_PKCS11_STORE=$scratch/tpm2-pkcs11 TPM2_PKCS11_TCTI=$tcti TPM2_PKCS11_LOG_LEVEL=0
	tpm2_module=$(module_named libtpm2_pkcs11.so)
	mkdir -p "$TPM2_PKCS11_STORE"
	local tool=(pkcs11-tool --module "$tpm2_module")
	empty_tpm
	peer_tool tpm2_ptool init --path "$TPM2_PKCS11_STORE"
	empty_tpm
	peer_tool "${tool[@]}" --slot 1 --init-token --label peer --so-pin 12345678
	empty_tpm
	tool+=(--token-label peer --login)
	peer_tool "${tool[@]}" --so-pin 12345678 --init-pin --new-pin 12345678
	empty_tpm
	peer_tool "${tool[@]}" --pin 12345678 --keypairgen --key-type EC:prime256v1 --id 01 --label ec
	empty_tpm
	peer_tool "${tool[@]}" --pin 12345678 --keypairgen --key-type rsa:2048 --id 02 --label rsa
	empty_tpm
}

cards_in() { card_in 0 && card_in 1; }

# without_pcscd COMMAND...: the TPM is empty for it, and afterwards.
without_pcscd()
{
	pcscd_stop
	empty_tpm
	"$@"
	empty_tpm
	pcscd_again "$pinned"
	wait_for 10 cards_in || die 'the cards are in their readers again'
}

# figure_of CASE CALL: what the last of these calls sent, by OpenSC's log.
figure_of()
{
	local n
	n=$(calls p11.debug | sed -n "s/^$2 //p" | tail -n 1)
	[ -n "$n" ] || die "OpenSC's log says what $2 sends"
	figure "$1" opensc-pkcs11 APDUs "$n"
}

# in_card READER-NUMBER ARGUMENT...: of pkcs11-tool, logged, with no other card there.
in_card()
{
	sed "s/ignored_readers =/debug = 9; debug_file = p11.debug; & \"$(reader $((1 - $1)))\",/" \
		opensc.conf >debug.conf
	: >p11.debug
	shift
	OPENSC_CONF=$PWD/debug.conf peer_tool p11_user 0 -i p11.in -o p11.out "$@"
}

count_commands()
{
	openssl rand -out p11.in 32
	in_card 0 --sign --id 01 -m ECDSA
	figure_of 'APDUs to find and read a card' C_Initialize
	figure_of 'APDUs to log in' C_Login
	figure_of 'APDUs per P-256 signature' C_Sign
	in_card 1 --sign --id 01 -m RSA-PKCS
	figure_of 'APDUs per RSA-2048 signature' C_Sign
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out p11.key
	openssl pkey -in p11.key -pubout -outform DER -out p11.in
	in_card 0 --derive --id 03 -m ECDH1-DERIVE
	figure_of 'APDUs per P-256 key agreement' C_DeriveKey
}

prepare_peers()
{
	[ -x "$build/tests/bench/p11" ] || die 'tests/bench/p11 is built (it needs libp11-kit-dev)'
	need_packages libtpm2-pkcs11-1 libtpm2-pkcs11-tools softhsm2
	prepare_softhsm
	without_pcscd prepare_tpm2_pkcs11
	count_commands
}

# p11_bench AT MODULE TOKEN KEY-ID CASE COUNT
p11_bench()
{
	bench p11 -n "$(count "$6")" -s "$(samples "$5" "$1")" "$2" "$3" "$4" "$5" "$1" <<<12345678
}

round_tpm2_pkcs11()
{
	p11_bench tpm2-pkcs11 "$tpm2_module" peer 01 'sign P-256' 200
	empty_tpm
	p11_bench tpm2-pkcs11 "$tpm2_module" peer 02 'sign RSA-2048' 100
}

# tpm2-pkcs11 has no C_DeriveKey.
round_peers()
{
	p11_bench opensc-pkcs11 "$module" 'First, 9A' 01 'sign P-256' 300
	p11_bench opensc-pkcs11 "$module" 'Second, 9A' 01 'sign RSA-2048' 100
	p11_bench opensc-pkcs11 "$module" 'First, 9A' 03 'ECDH P-256' 300
	without_pcscd round_tpm2_pkcs11
	p11_bench softhsm "$softhsm_module" peer 01 'sign P-256' 300
	p11_bench softhsm "$softhsm_module" peer 02 'sign RSA-2048' 100
	p11_bench softhsm "$softhsm_module" peer 01 'ECDH P-256' 300
}
