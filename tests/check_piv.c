/* SPDX-License-Identifier: BSD-2-Clause */
/* The PIV card application: whole sessions with a card over fake ports. */
#include <stdio.h>
#include <string.h>

#include "tests/exchanges.h"
#include "tests/suite.h"

struct session {
	const char *why;
	struct exchange steps[STEPS];
};

/* clang-format off */
static const struct session sessions[] = {
	/* ---- SELECT ---- */
	{ "SELECT by the full name, the template in full", {
		{ "00 a4 04 00 0b " AID, TEMPLATE " 9000" },
		{ "00 a4 04 00 0b " AID " 00", TEMPLATE " 9000" },
	} },
	{ "SELECT by every truncation a host may send", {
		{ "00 a4 04 00 05 a0 00 00 03 08", TEMPLATE " 9000" },
		{ "00 a4 04 00 06 a0 00 00 03 08 00", TEMPLATE " 9000" },
		{ "00 a4 04 00 07 a0 00 00 03 08 00 00", TEMPLATE " 9000" },
		{ "00 a4 04 00 08 a0 00 00 03 08 00 00 10", TEMPLATE " 9000" },
		{ "00 a4 04 00 09 a0 00 00 03 08 00 00 10 00", TEMPLATE " 9000" },
		{ "00 a4 04 00 0a a0 00 00 03 08 00 00 10 00 01", TEMPLATE " 9000" },
		{ "00 a4 04 00 04 a0 00 00 03", "6a82" },
		{ "00 a4 04 00 0c " AID " 00 00", "6a82" },
		{ "00 a4 04 00", "6a82" },
		{ "00 a4 04 00 00", "6a82" },
	} },
	{ "SELECT of what else hosts look for", {
		{ "00 a4 00 0c 02 3f 00", "6a86" },
		{ "00 a4 04 00 09 a0 00 00 03 97 43 49 44 5f", "6a82" },
		{ "00 a4 04 00 08 a0 00 00 05 27 47 11 17", "6a82" },
		{ "00 a4 04 00 0b a0 00 00 03 08 00 00 10 00 02 00", "6a82" },
		{ "00 a4 04 00 06 d2 76 00 01 24 01", "6a82" },
		{ "00 a4 04 00 11 aa*17", "6700" },
		{ "00 a4 04 0c 05 a0 00 00 03 08", "6a86" },
	} },
	{ "SELECT in an extended APDU", {
		{ "00 a4 04 00 00 00 05 a0 00 00 03 08 00 00", TEMPLATE " 9000" },
		{ "00 a4 04 00 00 00 05 a0 00 00 03 08", TEMPLATE " 9000" },
	} },
	{ "SELECT again, or of an unknown name, keeps PIN and administrator", {
		VERIFIED, ADMIN,
		{ SELECT_PIV, "...9000" },
		{ "00 a4 04 00 06 d2 76 00 01 24 01", "6a82" },
		{ PIN_QUERY, "9000" },
		SIGN_9A, IS_ADMIN,
	} },
	{ "commands before SELECT: the application is there from the reset on", {
		{ CHUID, CHUID_IS }, { PIN_QUERY, "63c5" },
	} },

	/* ---- APDU, class, instruction ---- */
	{ "no command APDUs", {
		{ "", "6700" }, { "00", "6700" }, { "00 a4 04", "6700" },
		{ "00 a4 04 00 05 a0 00", "6700" }, { "ff ff", "6700" },
		{ "00 a4 04 00 00 00", "6700" },
	} },
	{ "classes", {
		{ "04 cb 3f ff 05 5c 03 5f c1 02", "6882" }, { "08 cb 3f ff", "6882" },
		{ "0c cb 3f ff", "6882" }, { "1c cb 3f ff", "6882" }, { "60 cb 3f ff", "6882" },
		{ "01 cb 3f ff", "6881" }, { "03 cb 3f ff", "6881" }, { "40 cb 3f ff", "6881" },
		{ "4f cb 3f ff", "6881" }, { "11 cb 3f ff", "6881" },
		{ "20 cb 3f ff", "6e00" }, { "80 cb 3f ff", "6e00" }, { "a0 a4 00 00 02 3f 00", "6e00" },
		{ "ff cb 3f ff", "6e00" },
	} },
	{ "instructions the card does not have", {
		{ "00 f5 9a 00", "6d00" }, { "00 f1 00 00", "6d00" }, { "00 fc 00 00", "6d00" },
		{ "00 b0 00 00 08", "6d00" }, { "00 ca 00 6e 00", "6d00" }, { "00 1d 00 00", "6d00" },
	} },
	{ "chaining where there is none", {
		{ "10 a4 04 00 05 a0 00 00 03 08", "6884" }, { "10 cb 3f ff 05 5c 03 5f c1 02", "6884" },
		{ "10 20 00 80 08 " PIN, "6884" }, { "10 24 00 80", "6884" }, { "10 2c 00 80", "6884" },
		{ "10 c0 00 00", "6884" }, { "10 fd 00 00", "6884" }, { "10 f5 00 00", "6d00" }, { "10 f9 9a 00", "6884" },
	} },

	/* ---- GET DATA, GET RESPONSE ---- */
	{ "GET DATA", {
		{ CHUID, CHUID_IS }, { CHUID " 00", CHUID_IS }, { CHUID " 16", CHUID_IS },
		{ "00 cb 3f ff 00 00 05 5c 03 5f c1 02 00 00", CHUID_IS },
	} },
	{ "objects that are not there, or that the card does not have", {
		{ "00 cb 3f ff 05 5c 03 5f c1 07", "6a82" }, { "00 cb 3f ff 03 5c 01 7e", "6a82" },
		{ "00 cb 3f ff 04 5c 02 7f 61", "6a82" }, { "00 cb 3f ff 05 5c 03 5f c1 59", "6a82" },
		{ "00 cb 3f ff 05 5c 03 5f c1 04", "6a82" }, { "00 cb 3f ff 05 5c 03 5f c1 24", "6a82" },
		{ "00 cb 3f ff 05 5c 03 5f c1 00", "6a82" }, { "00 cb 3f ff 05 5c 03 5f ff 16", "6a82" },
		{ "00 cb 3f ff 03 5c 01 53", "6a82" },
	} },
	{ "GET DATA malformed", {
		{ "00 cb 3f ff", "6700" }, { "00 cb 3f ff 00", "6700" }, { "00 cb 3f ff 02 5c 00", "6700" },
		{ "00 cb 3f ff 06 5c 04 5f c1 02 00", "6700" },
		{ "00 cb 3f ff 05 5d 03 5f c1 02", "6a80" }, { "00 cb 3f ff 05 5c 02 5f c1 02", "6a80" },
		{ "00 cb 3f ff 05 5c 04 5f c1 02", "6a80" }, { "00 cb 3f ff 04 5c 02 00 7e", "6a80" },
		{ "00 cb 3f ff 04 5c 02 5f c1", "6a80" }, { "00 cb 3f ff 05 5c 03 5f c1 99", "6a80" }, { "00 cb 3f ff 04 5c 81 01 7e", "6a80" },
		{ "00 cb 3f 00 03 5c 01 7e", "6a86" }, { "00 cb 00 ff 03 5c 01 7e", "6a86" },
	} },
	{ "a short Le: as many octets and how many are left", {
		{ CHUID " 08", "53 14 c1*6 610e" },
		{ "00 c0 00 00 08", "c1*8 6106" }, { "00 c0 00 00 ff", "c1*6 9000" },
		{ "00 c0 00 00 00", "6985" },
	} },
	{ "a long answer in pieces, Le absent", {
		{ "00 cb 3f ff 05 5c 03 5f c1 05", "53 82 0c 00 ce*252 6100" },
		{ "00 c0 00 00", "ce*256 6100" }, { "00 c0 00 00 00", "ce*256 6100" },
		{ "00 c0 00 00 00 04 00", "ce*1024 6100" }, { "00 c0 00 00 00 00 00", "ce*1284 9000" },
		{ "00 c0 00 00", "6985" },
	} },
	{ "a long answer at once", {
		{ "00 cb 3f ff 00 00 05 5c 03 5f c1 05 00 00", "53 82 0c 00 ce*3072 9000" },
		{ "00 cb 3f ff 00 00 05 5c 03 5f c1 05 0c 04", "53 82 0c 00 ce*3072 9000" },
		{ "00 cb 3f ff 00 00 05 5c 03 5f c1 05 0c 03", "53 82 0c 00 ce*3071 6101" },
		{ "00 c0 00 00 01", "ce 9000" },
	} },
	{ "the next command drops what was not fetched", {
		{ CHUID " 08", "53 14 c1*6 610e" }, { PIN_QUERY, "63c5" }, { "00 c0 00 00 00", "6985" },
		{ CHUID " 08", "53 14 c1*6 610e" }, { "00 f5 9a 00", "6d00" }, { "00 c0 00 00 00", "6985" },
		{ CHUID " 08", "53 14 c1*6 610e" }, { "00", "6700" }, { "00 c0 00 00 00", "6985" },
		{ CHUID " 08", "53 14 c1*6 610e" }, { "00 c0 00 01 00", "6a86" },
		{ "00 c0 00 00 00", "6985" },
		{ CHUID " 08", "53 14 c1*6 610e" }, { "00 c0 00 00 01 aa 00", "6700" },
		{ "00 c0 00 00 00", "6985" },
	} },
	{ "the same command in full instead of GET RESPONSE", {
		{ CHUID " 08", "53 14 c1*6 610e" }, { CHUID " 00", CHUID_IS },
	} },

	/* ---- PUT DATA ---- */
	{ "PUT DATA is the administrator's", {
		NOT_ADMIN, { "10 db 3f ff 05 5c 03 5f c1 02", "6982" }, VERIFIED, NOT_ADMIN,
		{ CHUID, CHUID_IS },
	} },
	{ "PUT DATA and what is read back", {
		ADMIN,
		{ "00 db 3f ff 09 5c 03 5f c1 07 53 02 f0 00", "9000" },
		{ "00 cb 3f ff 05 5c 03 5f c1 07", "53 02 f0 00 9000" },
		{ "00 db 3f ff 08 5c 03 5f c1 07 53 01 ab", "9000" },
		{ "00 cb 3f ff 05 5c 03 5f c1 07", "53 01 ab 9000" },
		{ "00 db 3f ff 07 5c 03 5f c1 07 53 00", "9000" },
		{ "00 cb 3f ff 05 5c 03 5f c1 07", "6a82" },
		{ "00 db 3f ff 07 5c 03 5f c1 07 53 00", "9000" },
	} },
	{ "PUT DATA of the two objects with a tag of their own", {
		ADMIN,
		{ "00 db 3f ff 04 7e 02 4f 00", "9000" }, { "00 cb 3f ff 03 5c 01 7e", "7e 02 4f 00 9000" },
		{ "00 db 3f ff 05 7f 61 02 02 00", "9000" },
		{ "00 cb 3f ff 04 5c 02 7f 61", "7f 61 02 02 00 9000" },
		{ "00 db 3f ff 02 7e 00", "9000" }, { "00 cb 3f ff 03 5c 01 7e", "6a82" },
		{ "00 db 3f ff 03 7f 61 00", "9000" }, { "00 cb 3f ff 04 5c 02 7f 61", "6a82" },
	} },
	{ "every kind of object is kept", {
		ADMIN,
		{ "00 db 3f ff 08 5c 03 5f c1 0a 53 01 0a", "9000" },
		{ "00 db 3f ff 08 5c 03 5f c1 0d 53 01 0d", "9000" },
		{ "00 db 3f ff 08 5c 03 5f c1 20 53 01 20", "9000" },
		{ "00 db 3f ff 08 5c 03 5f ff 00 53 01 00", "9000" },
		{ "00 db 3f ff 08 5c 03 5f ff 15 53 01 15", "9000" },
		{ "00 cb 3f ff 05 5c 03 5f c1 0a", "53 01 0a 9000" },
		{ "00 cb 3f ff 05 5c 03 5f c1 0d", "53 01 0d 9000" },
		{ "00 cb 3f ff 05 5c 03 5f c1 20", "53 01 20 9000" },
		{ "00 cb 3f ff 05 5c 03 5f ff 00", "53 01 00 9000" },
		{ "00 cb 3f ff 05 5c 03 5f ff 15", "53 01 15 9000" },
	} },
	{ "PUT DATA over the capacity of an object", {
		ADMIN,
		{ "00 db 3f ff 00 0c 09 5c 03 5f c1 02 53 82 0c 00 aa*3072", "9000" },
		{ "00 db 3f ff 00 0c 0a 5c 03 5f c1 02 53 82 0c 01 aa*3073", "6a84" },
		{ "00 cb 3f ff 00 00 05 5c 03 5f c1 02 00 00", "53 82 0c 00 aa*3072 9000" },
		{ "00 db 3f ff 00 10 09 5c 03 5f c1 05 53 82 10 00 bb*4096", "9000" },
		{ "00 db 3f ff 00 10 0a 5c 03 5f c1 05 53 82 10 01 bb*4097", "6a84" },
		{ "00 db 3f ff 82 7e 80", "6700" },
	} },
	{ "PUT DATA malformed", {
		ADMIN,
		{ "00 db 3f ff", "6700" }, { "00 db 3f ff 01 5c", "6700" },
		{ "00 db 3f ff 02 5c 00", "6a80" }, { "00 db 3f ff 05 5c 03 5f c1 02", "6a80" },
		{ "00 db 3f ff 07 5c 03 5f c1 59 53 00", "6a82" },
		{ "00 db 3f ff 07 5c 03 5f c1 04 53 00", "6a82" },
		{ "00 db 3f ff 07 5c 03 5f c1 02 54 00", "6a80" },
		{ "00 db 3f ff 08 5c 03 5f c1 02 53 00 00", "6a80" },
		{ "00 db 3f ff 08 5c 03 5f c1 02 53 02 00", "6a80" },
		{ "00 db 3f ff 06 5c 01 7e 53 01 aa", "6a80" },
		{ "00 db 3f ff 03 7e 00 00", "6a80" }, { "00 db 3f ff 02 53 00", "6a80" },
		{ "00 db 3f ff 05 5f c1 02 01 aa", "6a80" },
		{ CHUID, CHUID_IS },
	} },

	/* ---- command chaining ---- */
	{ "a chain of PUT DATA", {
		ADMIN,
		{ "10 db 3f ff 08 5c 03 5f c1 07 53 06 01", "9000" }, { "10 db 3f ff", "9000" },
		{ "10 db 3f ff 02 02 03", "9000" }, { "00 db 3f ff 03 04 05 06", "9000" },
		{ "00 cb 3f ff 05 5c 03 5f c1 07", "53 06 01 02 03 04 05 06 9000" },
	} },
	{ "another command in a chain drops it", {
		ADMIN,
		{ "10 db 3f ff 07 5c 03 5f c1 07 53 02", "9000" },
		{ CHUID, "6883" }, { CHUID, CHUID_IS },
		{ "00 db 3f ff 02 aa bb", "6a80" }, { "00 cb 3f ff 05 5c 03 5f c1 07", "6a82" },
	} },
	{ "everything else that drops a chain", {
		ADMIN,
		{ "10 db 3f ff 07 5c 03 5f c1 07 53 02", "9000" }, { "00 fd 00 00", "6883" },
		{ "00 db 3f ff 02 aa bb", "6a80" },
		{ "10 db 3f ff 07 5c 03 5f c1 07 53 02", "9000" }, { "00 db", "6700" },
		{ "00 db 3f ff 02 aa bb", "6a80" },
		{ "10 db 3f ff 07 5c 03 5f c1 07 53 02", "9000" }, { "80 db 3f ff 02 aa bb", "6e00" },
		{ "00 db 3f ff 02 aa bb", "6a80" },
		{ "10 db 3f ff 07 5c 03 5f c1 07 53 02", "9000" }, { "00 db 3f fe 02 aa bb", "6883" },
		{ "00 db 3f ff 02 aa bb", "6a80" },
	} },
	{ "SELECT in a chain starts over", {
		ADMIN,
		{ "10 db 3f ff 07 5c 03 5f c1 07 53 02", "9000" }, { SELECT_PIV, "...9000" },
		{ "00 db 3f ff 02 aa bb", "6a80" }, { "00 cb 3f ff 05 5c 03 5f c1 07", "6a82" },
	} },
	{ "a chain of another command in a chain", {
		ADMIN,
		{ "10 db 3f ff 07 5c 03 5f c1 07 53 02", "9000" },
		{ "10 87 11 9e 10 7c 24 82 00 81 20 22*10", "6883" },
		{ "00 87 11 9e 16 22*22", "6a80" }, SIGN_9E,
	} },
	{ "GET RESPONSE in a chain", {
		{ "10 87 11 9e 10 7c 24 82 00 81 20 22*10", "9000" }, { "00 c0 00 00 00", "6883" },
	} },
	{ "a chain longer than its command", {
		{ "10 87 11 9e ff aa*255", "9000" }, { "10 87 11 9e ff aa*255", "9000" },
		{ "10 87 11 9e ff aa*255", "9000" }, { "10 87 11 9e ff aa*255", "9000" },
		{ "10 87 11 9e ff aa*255", "6700" }, { "00 87 11 9e 02 7c 00", "6a80" }, SIGN_9E,
	} },
	{ "a chain longer than the card", {
		ADMIN, { "10 db 3f ff 00 40 00 aa*16384", "9000" }, { "10 db 3f ff 01 aa", "6700" },
		{ "10 db 3f ff 00 40 01 aa*16385", "6700" }, { "00 db 3f ff 00 ff ff aa*65535", "6700" },
		{ CHUID, CHUID_IS },
	} },
	{ "a chain too short for its command", {
		{ "10 87 11 9e", "9000" }, { "00 87 11 9e 01 7c", "6700" }, SIGN_9E,
	} },

	/* ---- VERIFY ---- */
	{ "VERIFY without data tells the state and grants nothing", {
		{ PIN_QUERY, "63c5" }, { PIN_QUERY " 00", "63c5" }, NO_9A,
		{ PIN_WRONG, "63c4" }, { PIN_QUERY, "63c4" }, VERIFIED, { PIN_QUERY, "9000" },
		{ PIN_QUERY " 00", "9000" }, SIGN_9A,
	} },
	{ "VERIFY down to blocked", {
		{ PIN_WRONG, "63c4" }, { PIN_WRONG, "63c3" }, { PIN_WRONG, "63c2" },
		{ PIN_WRONG " 00", "63c1" }, { PIN_WRONG, "6983" }, { PIN_RIGHT, "6983" },
		{ PIN_QUERY, "6983" }, NO_9A,
	} },
	{ "the right PIN gives the tries back", {
		{ PIN_WRONG, "63c4" }, { PIN_WRONG, "63c3" }, { PIN_RIGHT " 00", "9000" },
		{ PIN_WRONG, "63c4" },
	} },
	{ "a failed VERIFY takes the PIN away", {
		VERIFIED, SIGN_9A, { PIN_WRONG, "63c4" }, NO_9A, { PIN_QUERY, "63c4" },
	} },
	{ "a failed VERIFY is no longer verified, asked at once", {
		VERIFIED, { PIN_WRONG, "63c4" }, { PIN_QUERY, "63c4" },
		VERIFIED, { PIN_WRONG, "63c4" }, { SIGN_9C, "6982" }, { PIN_QUERY, "63c4" },
	} },
	{ "all padding is a wrong PIN", {
		{ "00 20 00 80 08 ff*8", "63c4" }, { "00 20 00 80 7f ff*127", "63c3" },
		{ "00 20 00 80 08 ff*8", "63c2" },
	} },
	{ "malformed PINs cost nothing", {
		{ "00 20 00 80 01 31", "6a80" }, { "00 20 00 80 07 31*7", "6a80" },
		{ "00 20 00 80 08 31 32 ff 34*5", "6a80" }, { "00 20 00 80 08 00 32*7", "6a80" },
		{ "00 20 00 80 08 31*7 80", "6a80" }, { "00 20 00 80 08 ff*7 31", "6a80" },
		{ "00 20 00 80 09 31*8 ff", "6a80" }, { "00 20 00 80 80 31*128", "6a80" },
		{ "00 20 00 80 ff 31*255", "6a80" }, { "00 20 00 80 00 01 00 31*256", "6700" },
		{ PIN_QUERY, "63c5" },
	} },
	{ "malformed PINs leave a verified one as it is", {
		VERIFIED, { "00 20 00 80 07 31*7", "6a80" }, { PIN_QUERY, "9000" },
	} },
	{ "well-formed PINs that no policy would let exist still count", {
		{ "00 20 00 80 08 31 ff*7", "63c4" }, { "00 20 00 80 09 31*9", "63c3" },
		{ "00 20 00 80 7f 01*127", "63c2" },
	} },
	{ "other references, other P1", {
		{ "00 20 00 00 08 " PIN, "6a88" }, { "00 20 00 81 08 " PUK, "6a88" },
		{ "00 20 00 96", "6a88" }, { "00 20 ff 00", "6a88" }, { "00 20 01 80 08 " PIN, "6a86" },
		{ "00 20 fe 80", "6a86" }, { PIN_QUERY, "63c5" },
	} },
	{ "logout", {
		VERIFIED, ADMIN, { "00 20 ff 80 08 " PIN, "6a80" }, { PIN_QUERY, "9000" },
		{ "00 20 ff 80", "9000" }, { PIN_QUERY, "63c5" }, NO_9A, IS_ADMIN,
		{ "00 20 ff 80 00", "9000" },
	} },

	/* ---- CHANGE REFERENCE DATA ---- */
	{ "change the PIN: the new one is verified, but not just before", {
		{ "00 24 00 80 10 " PIN " " NEW, "9000" }, { PIN_QUERY, "9000" }, SIGN_9A, { SIGN_9C, "6982" },
		{ PIN_RIGHT, "63c4" }, { "00 20 00 80 08 " NEW, "9000" }, SIGN_9A,
	} },
	{ "change the PUK: the PIN is as it was", {
		{ "00 24 00 81 10 " PUK " " PUK, "9000" }, { PIN_QUERY, "63c5" },
		VERIFIED, { "00 24 00 81 10 " BAD " " NEW, "63c4" }, { PIN_QUERY, "9000" },
		{ "00 24 00 81 10 " PUK " " NEW, "9000" }, { PIN_QUERY, "9000" }, SIGN_9A,
		{ "00 2c 00 80 10 " PUK " " PIN, "63c4" }, { "00 2c 00 80 10 " NEW " " PIN, "9000" },
	} },
	{ "a wrong old PIN", {
		VERIFIED, { "00 24 00 80 10 " BAD " " NEW, "63c4" }, NO_9A, { PIN_QUERY, "63c4" },
		{ "00 24 00 80 10 " BAD " " NEW, "63c3" }, { "00 24 00 80 10 " BAD " " NEW, "63c2" },
		{ "00 24 00 80 10 " BAD " " NEW, "63c1" }, { "00 24 00 80 10 " BAD " " NEW, "6983" },
		{ "00 24 00 80 10 " PIN " " NEW, "6983" }, { PIN_RIGHT, "6983" },
	} },
	{ "a wrong old PUK, and all padding for one", {
		{ "00 24 00 81 10 " BAD " " NEW, "63c4" }, { "00 24 00 81 10 ff*8 " NEW, "63c3" },
		{ "00 24 00 80 10 ff*8 " NEW, "63c4" }, { PIN_QUERY, "63c4" },
	} },
	{ "a new PIN that breaks the policy costs nothing", {
		VERIFIED,
		{ "00 24 00 80 10 " PIN " 41*7 ff", "6a80" }, { "00 24 00 80 10 " PIN " ff*8", "6a80" },
		{ "00 24 00 80 10 " PIN " 41*3 ff 41*4", "6a80" }, { "00 24 00 80 10 " BAD " 41*7 ff", "6a80" },
		{ "00 24 00 81 10 " PUK " 41*7 ff", "6a80" }, { "00 24 00 81 10 " BAD " ff*8", "6a80" },
		{ "00 24 00 80 10 31*3 ff 31*4 " NEW, "6a80" },
		{ PIN_QUERY, "9000" }, SIGN_9A, { "00 24 00 81 10 " PUK " " PUK, "9000" },
	} },
	{ "halves that are none", {
		{ "00 24 00 80", "6a80" }, { "00 24 00 80 08 " PIN, "6a80" },
		{ "00 24 00 80 0f " PIN " 41*7", "6a80" }, { "00 24 00 80 11 " PIN " 41*9", "6a80" },
		{ "00 24 00 80 ff 31*255", "6a80" }, { "00 24 00 80 00 01 00 31*256", "6700" },
		{ "00 24 01 80 10 " PIN " " NEW, "6a86" }, { "00 24 00 00 10 " PIN " " NEW, "6a88" },
		{ "00 24 00 9b 10 " PIN " " NEW, "6a88" }, { PIN_RIGHT, "9000" },
	} },
	{ "a long PIN, in padded halves and then unpadded", {
		{ "00 24 00 80 18 " PIN " ff*4 61*12", "9000" }, { "00 20 00 80 0c 61*12", "9000" },
		{ "00 20 00 80 08 61*8", "63c4" },
		{ "00 24 00 80 fe 61*12 ff*115 62*127", "9000" }, { "00 20 00 80 7f 62*127", "9000" },
		{ "00 24 00 80 fe 62*127 " PIN " ff*119", "9000" }, VERIFIED,
	} },

	/* ---- RESET RETRY COUNTER ---- */
	{ "the PUK unblocks", {
		{ PIN_WRONG, "63c4" }, { PIN_WRONG, "63c3" }, { PIN_WRONG, "63c2" }, { PIN_WRONG, "63c1" },
		{ PIN_WRONG, "6983" }, { "00 2c 00 80 10 " PUK " " NEW, "9000" }, { PIN_QUERY, "63c5" },
		{ PIN_RIGHT, "63c4" }, { "00 20 00 80 08 " NEW, "9000" },
	} },
	{ "unblocking leaves the PIN verified, or not", {
		VERIFIED, { "00 2c 00 80 10 " PUK " " NEW, "9000" }, { PIN_QUERY, "9000" }, SIGN_9A,
		{ SIGN_9C, "6982" }, { "00 20 ff 80", "9000" },
		{ "00 2c 00 80 10 " PUK " " PIN, "9000" }, { PIN_QUERY, "63c5" }, NO_9A,
	} },
	{ "a wrong PUK takes a verified PIN away, whatever the new one", {
		VERIFIED, { "00 2c 00 80 10 " BAD " " NEW, "63c4" }, { PIN_QUERY, "63c5" },
		VERIFIED, { "00 2c 00 80 10 " BAD " 41*7 ff", "63c3" }, { PIN_QUERY, "63c5" },
		VERIFIED, { "00 2c 00 80 10 " PUK " 41*7 ff", "6a80" }, { PIN_QUERY, "9000" },
	} },
	{ "a wrong PUK counts, down to blocked", {
		{ "00 2c 00 80 10 " BAD " " NEW, "63c4" }, { "00 2c 00 80 10 ff*8 " NEW, "63c3" },
		{ "00 2c 00 80 10 " BAD " " NEW, "63c2" }, { "00 2c 00 80 10 " BAD " " NEW, "63c1" },
		{ "00 2c 00 80 10 " BAD " " NEW, "6983" }, { "00 2c 00 80 10 " PUK " " NEW, "6983" },
		{ "00 24 00 81 10 " PUK " " NEW, "6983" }, VERIFIED,
	} },
	{ "the PUK is checked before the new PIN", {
		{ "00 2c 00 80 10 " BAD " 41*7 ff", "63c4" }, { "00 2c 00 80 10 " BAD " ff*8", "63c3" },
		{ "00 2c 00 80 10 " BAD " 41 ff 41*6", "63c2" }, { "00 2c 00 80 10 " PUK " 41*7 ff", "6a80" },
		{ "00 2c 00 80 10 " BAD " " NEW, "63c4" }, { PIN_RIGHT, "9000" },
	} },
	{ "a malformed PUK costs nothing", {
		{ "00 2c 00 80 10 38*3 ff 38*4 " NEW, "6a80" }, { "00 2c 00 80 10 00*8 " NEW, "6a80" },
		{ "00 2c 00 80 08 " PUK, "6a80" }, { "00 2c 00 80 11 " PUK " 41*9", "6a80" },
		{ "00 2c 00 80", "6a80" }, { "00 2c 01 80 10 " PUK " " NEW, "6a86" },
		{ "00 2c 00 81 10 " PUK " " NEW, "6a88" }, { "00 2c 00 80 10 " BAD " " NEW, "63c4" },
	} },

	/* ---- GENERAL AUTHENTICATE: private keys ---- */
	{ "RSA wants the PIN once, chained and answered in pieces", {
		{ SIGN_9A_FIRST, "9000" }, { SIGN_9A_LAST, "6982" }, VERIFIED,
		{ SIGN_9A_FIRST, "9000" }, { SIGN_9A_LAST, "7c 82 01 04 82 82 01 00 11*248 6108" },
		{ "00 c0 00 00 08", "11*8 9000" },
		{ SIGN_9A_FIRST, "9000" }, { SIGN_9A_LAST " 00", "7c 82 01 04 82 82 01 00 11*248 6108" },
		{ "00 c0 00 00", "11*8 9000" }, SIGN_9A, SIGN_9A,
	} },
	{ "RSA turns the block round, and without 82 as well", {
		VERIFIED,
		{ "00 87 07 9a 00 01 08 7c 82 01 04 81 82 01 00 01 02*254 03 00 00",
		    "7c 82 01 04 82 82 01 00 03 02*254 01 9000" },
		{ "00 87 07 9a 00 01 0a 7c 82 01 06 81 82 01 00 01 02*254 03 82 00 00 00",
		    "7c 82 01 04 82 82 01 00 03 02*254 01 9000" },
	} },
	{ "RSA blocks that do not fit", {
		VERIFIED,
		{ "00 87 07 9a 00 01 08 7c 82 01 04 82 00 81 81 ff 11*255 00 00", "6a80" },
		{ "00 87 07 9a 00 01 09 7c 82 01 05 82 00 81 82 00 ff 11*255 00 00", "6a80" },
		{ "00 87 07 9a 00 01 0b 7c 82 01 07 82 00 81 82 01 01 11*257 00 00", "6a80" },
		{ "00 87 07 9a 00 01 0a 7c 82 01 06 82 00 81 82 01 00 ff*256 00 00", "6a80" },
		{ "00 87 07 9a 07 7c 05 82 00 81 01 11", "6a80" },
		{ "00 87 07 9a 47 7c 45 82 00 85 41 04 11*64", "6a80" }, SIGN_9A,
	} },
	{ "a PIN-always key wants VERIFY just before", {
		{ SIGN_9C, "6982" }, VERIFIED, { SIGN_9C, SIGN_9C_ANSWER }, { SIGN_9C, "6982" },
		VERIFIED, { SIGN_9C, SIGN_9C_ANSWER }, { PIN_QUERY, "9000" }, { SIGN_9C, "6982" },
	} },
	{ "any command between spoils it", {
		VERIFIED, { PIN_QUERY, "9000" }, { SIGN_9C, "6982" },
		VERIFIED, { CHUID, CHUID_IS }, { SIGN_9C, "6982" },
		VERIFIED, { SELECT_PIV, "...9000" }, { SIGN_9C, "6982" },
		VERIFIED, { "00 c0 00 00 00", "6985" }, { SIGN_9C, "6982" },
		VERIFIED, { "00 fd 00 00", "05 04 03 9000" }, { SIGN_9C, "6982" },
	} },
	{ "so do a refused one, one that is none, and another key's", {
		VERIFIED, { "00", "6700" }, { SIGN_9C, "6982" },
		VERIFIED, { "00 87 11 9c", "6700" }, { SIGN_9C, "6982" },
		VERIFIED, { "00 87 14 9c 04 7c 02 81 00", "6a86" }, { SIGN_9C, "6982" },
		VERIFIED, SIGN_9E, { SIGN_9C, "6982" },
		VERIFIED, CHALLENGE, { SIGN_9C, "6982" },
	} },
	{ "a chained signature is one command; GET RESPONSE does no harm", {
		VERIFIED, { "10 87 11 9c 10 7c 24 82 00 81 20 22*10", "9000" },
		{ "00 87 11 9c 16 22*22 10", "7c 26 82 24 30 22 02 20 22*8 6118" },
		{ "00 c0 00 00 18", "22*24 9000" }, VERIFIED, { SIGN_9C, SIGN_9C_ANSWER },
	} },
	{ "a chain cut off spoils it as well", {
		VERIFIED, { "10 87 11 9c 10 7c 24 82 00 81 20 22*10", "9000" }, { CHUID, "6883" },
		{ SIGN_9C, "6982" }, { PIN_QUERY, "9000" },
	} },
	{ "ECDSA over digests of all sizes up to the curve's", {
		{ "00 87 11 9e 06 7c 04 82 00 81 00", "6a80" },
		{ "00 87 11 9e 07 7c 05 82 00 81 01 aa", "7c 07 82 05 30 03 02 01 aa 9000" },
		{ "00 87 11 9e 1a 7c 18 82 00 81 14 aa*20", "7c 1a 82 18 30 16 02 14 aa*20 9000" },
		SIGN_9E, { "00 87 11 9e 27 7c 25 82 00 81 21 22*33", "6a80" },
		{ "00 87 14 9d 36 7c 34 82 00 81 30 22*48", "6982" }, VERIFIED,
		{ "00 87 14 9d 36 7c 34 82 00 81 30 22*48", "7c 36 82 34 30 32 02 30 22*48 9000" },
		{ "00 87 14 9d 37 7c 35 82 00 81 31 22*49", "6a80" },
	} },
	{ "ECDH", {
		{ "00 87 11 9e 47 7c 45 82 00 85 41 04 11*32 22*32", "7c 22 82 20 22*32 9000" },
		{ "00 87 11 9e 45 7c 43 85 41 04 11*32 22*32", "7c 22 82 20 22*32 9000" },
		{ "00 87 11 9e 45 7c 43 85 41 02 11*32 22*32", "6a80" },
		{ "00 87 11 9e 44 7c 42 85 40 04 11*31 22*32", "6a80" },
		{ "00 87 11 9e 46 7c 44 85 42 04 11*33 22*32", "6a80" },
		{ "00 87 11 9e 45 7c 43 85 41 04 00*32 22*32", "6a80" },
		{ "00 87 14 9d 65 7c 63 85 61 04 11*48 22*48", "6982" }, VERIFIED,
		{ "00 87 14 9d 65 7c 63 85 61 04 11*48 22*48", "7c 32 82 30 22*48 9000" },
	} },
	{ "algorithm and key reference", {
		{ "00 87 14 9e 26 7c 24 82 00 81 20 22*32", "6a86" },
		{ "00 87 07 9e 26 7c 24 82 00 81 20 22*32", "6a86" },
		{ "00 87 00 9e 26 7c 24 82 00 81 20 22*32", "6a86" },
		{ "00 87 11 82 26 7c 24 82 00 81 20 22*32", "6a88" },
		{ "00 87 11 95 26 7c 24 82 00 81 20 22*32", "6a88" },
		{ "00 87 11 96 26 7c 24 82 00 81 20 22*32", "6a86" },
		{ "00 87 11 81 26 7c 24 82 00 81 20 22*32", "6a86" },
		{ "00 87 11 f9 26 7c 24 82 00 81 20 22*32", "6a86" },
		{ "00 87 27 04 26 7c 24 82 00 81 20 22*32", "6a86" },
	} },
	{ "templates that are none", {
		{ "00 87 11 9e 02 7c 00", "6a80" }, { "00 87 11 9e 02 53 00", "6a80" },
		{ "00 87 11 9e 04 7c 02 81 00", "6a80" }, { "00 87 11 9e 04 7c 02 80 00", "6a80" },
		{ "00 87 11 9e 07 7c 05 82 01 00 81 00", "6a80" },
		{ "00 87 11 9e 08 7c 06 82 01 00 81 01 aa", "6a80" },
		{ "00 87 11 9e 09 7c 07 81 01 aa 81 01 aa 00", "6a80" },
		{ "00 87 11 9e 08 7c 06 81 01 aa 81 01 aa", "6a80" },
		{ "00 87 11 9e 07 7c 05 81 01 aa 83 00", "6a80" },
		{ "00 87 11 9e 06 7c 03 81 01 aa 00", "6a80" }, { "00 87 11 9e 05 7c 04 81 01 aa", "6a80" },
		{ "00 87 11 9e 06 7c 04 81 81 01 aa", "6a80" },
		{ "00 87 11 9e 0b 7c 09 81 01 aa 82 00 80 02 aa aa", "6a80" },
		{ "00 87 11 9e 48 7c 46 81 01 aa 85 41 04 11*64", "6a80" }, SIGN_9E,
	} },

	/* ---- GENERAL AUTHENTICATE: 9B ---- */
	{ "external authentication", { NOT_ADMIN, ADMIN, IS_ADMIN } },
	{ "the algorithm may be left to the card", {
		{ "00 87 00 9b 04 7c 02 81 00", "7c 0a 81 08 10 11 12 13 14 15 16 17 9000" },
		{ "00 87 00 9b 0c 7c 0a 82 08 49 48 4b 4a 4d 4c 4f 4e", "9000" }, IS_ADMIN,
		{ "00 87 08 9b 04 7c 02 81 00", "6a86" }, { "00 87 11 9b 04 7c 02 81 00", "6a86" },
	} },
	{ "mutual authentication", { WITNESS, WITNESS_OK, IS_ADMIN } },
	{ "mutual authentication with an empty response in the template", {
		WITNESS,
		{ "00 87 03 9b 18 7c 16 " WITNESS_ANSWER " 82 00",
		    "7c 0a 82 08 79 78 7b 7a 7d 7c 7f 7e 9000" },
		IS_ADMIN,
	} },
	{ "a challenge is a source of random octets", {
		{ "00 87 00 9b 04 7c 02 81 00", "7c 0a 81 08 10 11 12 13 14 15 16 17 9000" },
		{ "00 87 00 9b 04 7c 02 81 00", "7c 0a 81 08 18 19 1a 1b 1c 1d 1e 1f 9000" },
		NOT_ADMIN,
	} },
	{ "taking random octets does not undo an authentication", { ADMIN,
		{ "00 87 00 9b 04 7c 02 81 00", "7c 0a 81 08 18 19 1a 1b 1c 1d 1e 1f 9000" }, IS_ADMIN,
	} },
	{ "a challenge serves once", {
		ADMIN, { ANSWER, "6982" }, NOT_ADMIN,
		{ "00 87 03 9b 04 7c 02 81 00", "...9000" },
		{ "00 87 03 9b 0c 7c 0a 82 08 aa*8", "6982" }, { ANSWER, "6982" }, NOT_ADMIN,
	} },
	{ "an answer to nothing", { { ANSWER, "6982" }, NOT_ADMIN } },
	{ "a wrong answer undoes an authentication", {
		ADMIN, IS_ADMIN, { "00 87 03 9b 04 7c 02 81 00", "...9000" },
		{ "00 87 03 9b 0c 7c 0a 82 08 aa*8", "6982" }, NOT_ADMIN,
	} },
	{ "answers of another length", {
		CHALLENGE, { "00 87 03 9b 0b 7c 09 82 07 49 48 4b 4a 4d 4c 4f", "6982" }, { ANSWER, "6982" },
		{ "00 87 03 9b 04 7c 02 81 00", "...9000" },
		{ "00 87 03 9b 0d 7c 0b 82 09 41 40 43 42 45 44 47 46 00", "6982" }, NOT_ADMIN,
	} },
	{ "any other command drops the challenge", {
		CHALLENGE, { CHUID, CHUID_IS }, { ANSWER, "6982" }, NOT_ADMIN,
	} },
	{ "even SELECT and commands that are none", {
		CHALLENGE, { SELECT_PIV, "...9000" }, { ANSWER, "6982" },
		{ "00 87 03 9b 04 7c 02 81 00", "7c 0a 81 08 18 19 1a 1b 1c 1d 1e 1f 9000" }, { "00", "6700" },
		{ "00 87 03 9b 0c 7c 0a 82 08 41 40 43 42 45 44 47 46", "6982" }, NOT_ADMIN,
	} },
	{ "so does a signature", { CHALLENGE, SIGN_9E, { ANSWER, "6982" }, NOT_ADMIN } },
	{ "so does a malformed answer, and one with no data", {
		CHALLENGE, { "00 87 03 9b 02 7c 00", "6a80" }, { ANSWER, "6982" },
		{ "00 87 03 9b 04 7c 02 81 00", "7c 0a 81 08 18 19 1a 1b 1c 1d 1e 1f 9000" },
		{ "00 87 03 9b", "6700" },
		{ "00 87 03 9b 0c 7c 0a 82 08 41 40 43 42 45 44 47 46", "6982" }, NOT_ADMIN,
	} },
	{ "fetching the challenge in pieces does not drop it; answering in a chain neither", {
		{ "00 87 03 9b 04 7c 02 81 00 04", "7c 0a 81 08 6108" },
		{ "00 c0 00 00 08", "10 11 12 13 14 15 16 17 9000" },
		{ "10 87 03 9b 06 7c 0a 82 08 49 48", "9000" },
		{ "00 87 03 9b 06 4b 4a 4d 4c 4f 4e", "9000" }, IS_ADMIN,
	} },
	{ "a witness is no challenge, and a challenge no witness", {
		WITNESS, { ANSWER, "6982" },
		{ "00 87 03 9b 04 7c 02 81 00", "7c 0a 81 08 18 19 1a 1b 1c 1d 1e 1f 9000" },
		{ "00 87 03 9b 16 7c 14 80 08 18 19 1a 1b 1c 1d 1e 1f 81 08 20*8", "6982" }, NOT_ADMIN,
	} },
	{ "a wrong witness, and the right one after it", {
		ADMIN, { "00 87 03 9b 04 7c 02 80 00", "...9000" },
		{ "00 87 03 9b 16 7c 14 80 08 aa*8 81 08 20*8", "6982" },
		{ "00 87 03 9b 16 7c 14 80 08 18 19 1a 1b 1c 1d 1e 1f 81 08 20*8", "6982" }, NOT_ADMIN,
	} },
	{ "the right witness with a challenge of another length", {
		WITNESS,
		{ "00 87 03 9b 15 7c 13 80 08 10 11 12 13 14 15 16 17 81 07 20*7", "6a80" }, NOT_ADMIN,
		{ "00 87 03 9b 04 7c 02 80 00", "7c 0a 80 08 41 40 43 42 45 44 47 46 9000" },
		{ "00 87 03 9b 17 7c 15 80 08 18 19 1a 1b 1c 1d 1e 1f 81 09 20*9", "6a80" }, NOT_ADMIN,
	} },
	{ "templates 9B has no case for", {
		{ "00 87 03 9b 0c 7c 0a 81 08 20*8", "6a80" }, { "00 87 03 9b 0e 7c 0c 82 00 81 08 20*8", "6a80" },
		{ "00 87 03 9b 06 7c 04 81 00 82 00", "6a80" }, { "00 87 03 9b 06 7c 04 80 00 81 00", "6a80" },
		{ "00 87 03 9b 0c 7c 0a 80 08 10*8", "6a80" }, { "00 87 03 9b 04 7c 02 82 00", "6a80" },
		{ "00 87 03 9b 0c 7c 0a 85 08 10*8", "6a80" }, NOT_ADMIN,
	} },

	/* ---- GENERATE ASYMMETRIC KEY PAIR ---- */
	{ "GENERATE is the administrator's", {
		{ "00 47 00 9a 05 ac 03 80 01 11", "6982" }, VERIFIED,
		{ "00 47 00 9a 05 ac 03 80 01 11", "6982" },
	} },
	{ "a new RSA key in the place of an old one", {
		ADMIN,
		{ "00 47 00 9e 05 ac 03 80 01 07", "7f 49 82 01 09 81 82 01 00 c3*247 610e" },
		{ "00 c0 00 00 00", "c3*9 82 03 01 00 01 9000" },
		{ "00 87 11 9e 26 7c 24 82 00 81 20 22*32", "6a86" },
		{ "00 87 07 9e 00 01 0a 7c 82 01 06 82 00 81 82 01 00 11*256 00 00",
		    "7c 82 01 04 82 82 01 00 11*256 9000" },
	} },
	{ "RSA with its exponent spelled out, and with another", {
		ADMIN,
		{ "00 47 00 9e 00 00 0a ac 08 80 01 07 81 03 01 00 01 00 00",
		    "7f 49 82 01 09 81 82 01 00 c3*256 82 03 01 00 01 9000" },
		{ "00 47 00 9e 08 ac 06 80 01 07 81 01 03", "6a80" },
		{ "00 47 00 9e 0a ac 08 80 01 11 81 03 01 00 01", "6a80" },
	} },
	{ "new keys wherever there is a place, with that place's PIN rule", {
		ADMIN,
		{ "00 47 00 82 05 ac 03 80 01 11", "7f 49 43 86 41 04 c3*64 9000" },
		{ "00 87 11 82 26 7c 24 82 00 81 20 22*32", "6982" },
		{ "00 47 00 95 05 ac 03 80 01 14", "7f 49 63 86 61 04 c3*96 9000" },
		{ "00 47 00 9c 05 ac 03 80 01 11 00", "7f 49 43 86 41 04 c3*64 9000" },
		VERIFIED, { "00 87 11 82 26 7c 24 82 00 81 20 22*32", SIGN_9C_ANSWER },
		{ SIGN_9C, "6982" }, VERIFIED, { SIGN_9C, SIGN_9C_ANSWER },
	} },
	{ "PIN rules of the host's own", {
		ADMIN,
		{ "00 47 00 9a 08 ac 06 80 01 11 aa 01 01", "...9000" },
		{ "00 87 11 9a 26 7c 24 82 00 81 20 22*32", SIGN_9C_ANSWER },
		{ "00 47 00 9e 08 ac 06 80 01 11 aa 01 02", "...9000" },
		{ "00 87 11 9e 26 7c 24 82 00 81 20 22*32", "6982" },
		{ "00 47 00 9e 08 ac 06 80 01 11 aa 01 03", "...9000" }, VERIFIED,
		{ "00 87 11 9e 26 7c 24 82 00 81 20 22*32", SIGN_9C_ANSWER },
		{ "00 87 11 9e 26 7c 24 82 00 81 20 22*32", "6982" },
		{ "00 47 00 9e 08 ac 06 80 01 11 aa 01 00", "...9000" }, SIGN_9E,
	} },
	{ "touch that nobody can give", {
		ADMIN,
		{ "00 47 00 9e 08 ac 06 80 01 11 ab 01 00", "...9000" },
		{ "00 47 00 9e 0b ac 09 ab 01 01 aa 01 00 80 01 11", "...9000" },
		{ "00 47 00 9e 08 ac 06 80 01 11 ab 01 02", "6a80" },
		{ "00 47 00 9e 08 ac 06 80 01 11 ab 01 03", "6a80" },
	} },
	{ "GENERATE in a chain", {
		ADMIN, { "10 47 00 9e 03 ac 03 80", "9000" },
		{ "00 47 00 9e 02 01 11", "7f 49 43 86 41 04 c3*64 9000" }, SIGN_9E,
	} },
	{ "algorithms the card does not make keys of", {
		ADMIN,
		{ "00 47 00 9e 05 ac 03 80 01 16", "6a80" }, { "00 47 00 9e 05 ac 03 80 01 06", "6a80" },
		{ "00 47 00 9e 05 ac 03 80 01 03", "6a80" }, { "00 47 00 9e 05 ac 03 80 01 08", "6a80" },
		{ "00 47 00 9e 05 ac 03 80 01 00", "6a80" }, { "00 47 00 9e 05 ac 03 80 01 ff", "6a80" },
		SIGN_9E,
	} },
	{ "GENERATE malformed", {
		ADMIN,
		{ "00 47 00 9e", "6700" }, { "00 47 00 9e 02 ac 00", "6a80" }, { "00 47 00 9e 02 ac 05", "6a80" },
		{ "00 47 00 9e 04 ac 02 80 00", "6a80" }, { "00 47 00 9e 06 ac 04 80 02 11 11", "6a80" },
		{ "00 47 00 9e 05 ad 03 80 01 11", "6a80" }, { "00 47 00 9e 06 ac 03 80 01 11 00", "6a80" },
		{ "00 47 00 9e 08 ac 06 80 01 11 aa 01 04", "6a80" },
		{ "00 47 00 9e 07 ac 05 80 01 11 aa 00", "6a80" },
		{ "00 47 00 9e 08 ac 06 80 01 11 80 01 11", "6a80" },
		{ "00 47 00 9e 07 ac 05 80 01 11 83 00", "6a80" },
		{ "00 47 00 9e 21 ac 1f 80 01 11 81 1a aa*26 00", "6700" },
		{ "00 47 01 9e 05 ac 03 80 01 11", "6a86" }, SIGN_9E,
	} },
	{ "places there are none", {
		ADMIN,
		{ "00 47 00 9b 05 ac 03 80 01 11", "6a86" }, { "00 47 00 80 05 ac 03 80 01 11", "6a86" },
		{ "00 47 00 96 05 ac 03 80 01 11", "6a86" }, { "00 47 00 f9 05 ac 03 80 01 11", "6a86" },
		{ "00 47 00 04 05 ac 03 80 01 11", "6a86" }, { "00 47 00 00 05 ac 03 80 01 11", "6a86" },
	} },
};
/* clang-format on */

START_TEST(session)
{
	const struct session *s = &sessions[_i];
	struct fake_card *card = fake_card_new();

	run_steps(card, s->why, s->steps);
	fake_card_free(card);
}
END_TEST

/* ---- power ---- */

/* Whether any of the octets is not zero. */
static bool
dirty(const uint8_t *octets, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (octets[i] != 0)
			return true;
	}
	return false;
}

START_TEST(reset_takes_everything)
{
	static const struct exchange before[] = { VERIFIED, ADMIN,
		{ "00 87 03 9b 04 7c 02 81 00 02", "...610a" } };
	struct fake_card *card = fake_card_new();
	struct piv *p = &card->piv;
	unsigned forgets = card->vault.forgets;
	size_t i;

	for (i = 0; i < sizeof before / sizeof before[0]; i++)
		fake_card_expect(card, "before", before[i]);
	ck_assert(card->vault.once && p->status == (ACCESS_PIN | ACCESS_ADMIN));
	piv_reset(p);
	ck_assert_uint_eq(card->vault.forgets, forgets + 1);
	ck_assert(!card->vault.once && !card->vault.always && p->status == ACCESS_ALWAYS);
	ck_assert(p->admin_step == ADMIN_IDLE && !p->chaining);
	ck_assert(!dirty((const uint8_t *)&p->admin_nonce, sizeof p->admin_nonce));
	ck_assert(!dirty(p->pending_octets, sizeof p->pending_octets));
	ck_assert(!dirty(p->chain_octets, sizeof p->chain_octets));
	ck_assert(!dirty(p->key_octets, sizeof p->key_octets));
	fake_card_expect(card, "after", (struct exchange){ "00 c0 00 00 00", "6985" });
	fake_card_expect(card, "after", (struct exchange)NO_9A);
	fake_card_expect(card, "after", (struct exchange)NOT_ADMIN);
	fake_card_free(card);
}
END_TEST

START_TEST(reset_ends_a_chain)
{
	struct fake_card *card = fake_card_new();

	fake_card_expect(
	    card, "chain", (struct exchange){ "10 87 11 9e 10 7c 24 82 00 81 20 22*10", "9000" });
	piv_reset(&card->piv);
	fake_card_expect(card, "rest", (struct exchange){ "00 87 11 9e 16 22*22", "6a80" });
	fake_card_free(card);
}
END_TEST

/* ---- what is left in memory ---- */

/* After an answer went out whole, or was dropped, its octets and the command's are gone. */
START_TEST(nothing_stays)
{
	static const struct exchange steps[] = { VERIFIED, SIGN_9A, { SIGN_9A_FIRST, "9000" },
		{ SIGN_9A_LAST, "...6108" }, { CHUID, CHUID_IS }, { SIGN_9A_FIRST, "9000" },
		{ CHUID, "6883" } };
	struct fake_card *card = fake_card_new();
	size_t i;

	for (i = 0; i < sizeof steps / sizeof steps[0]; i++)
		fake_card_expect(card, "signature", steps[i]);
	ck_assert(!dirty(card->piv.pending_octets, sizeof card->piv.pending_octets));
	ck_assert(!dirty(card->piv.chain_octets, sizeof card->piv.chain_octets));
	fake_card_free(card);
}
END_TEST

/* A result that the vault wrote and took back is not there any more. */
START_TEST(taken_back)
{
	int err;

	for (err = VAULT_AUTH; err <= VAULT_FAULT; err++) {
		struct fake_card *card = fake_card_new();

		fake_card_expect(card, "PIN", (struct exchange)VERIFIED);
		card->vault.late = true;
		fake_vault_fail(&card->vault, 2, (enum vault_err)err);
		ck_assert_uint_ge(
		    fake_card_say(
			card, "00 87 07 9a 00 01 0a 7c 82 01 06 82 00 81 82 01 00 d7*256 00 00"),
		    0x6900);
		ck_assert_uint_eq(card->answer_len, 2);
		ck_assert(!has_run(&card->piv, sizeof card->piv, 0xd7, 4));
		fake_card_free(card);
	}
}
END_TEST

/* ---- the answer's room ---- */

/* Whatever room the caller has, the answer fits, and the rest can be fetched. */
START_TEST(little_room)
{
	uint8_t command[16], got[64];
	size_t room, len = fake_card_octets(CHUID " 00", command, sizeof command);

	for (room = 2; room < 40; room++) {
		struct fake_card *card = fake_card_new();
		struct wbuf all = wbuf_over(got, sizeof got);
		uint16_t sw = fake_card_send(card, rbuf_of(command, len), room);
		unsigned rounds = 0;

		wbuf_put(&all, rbuf_of(card->answer, card->answer_len - 2));
		ck_assert_msg(room > 2 || sw == 0x6116, "%zu: %04x", room, sw);
		while (sw != 0x9000 && rounds++ < 40) {
			sw = fake_card_send(
			    card, rbuf_of("\x00\xc0\x00\x00\x00", 5), room > 2 ? room : 9);
			wbuf_put(&all, rbuf_of(card->answer, card->answer_len - 2));
		}
		ck_assert_uint_eq(all.len, 22);
		fake_card_free(card);
	}
}
END_TEST

/* ---- the name ---- */

/* clang-format off */
static const struct label_row {
	const char *why, *name;
	size_t label; /* octets in the template; 0: none there */
} label_rows[] = {
	{ "no name", "", 0 },
	{ "one letter", "x", 1 },
	{ "as long as a label may be",
	    "0123456789012345678901234567890123456789012345678901234567890123", 64 },
	{ "one letter longer",
	    "01234567890123456789012345678901234567890123456789012345678901234", 64 },
	{ "a character of two octets in the way",
	    "012345678901234567890123456789012345678901234567890123456789012\xc3\xa9z", 63 },
	{ "a character of four octets in the way",
	    "0123456789012345678901234567890123456789012345678901234567890\xf0\x9f\x94\x91", 61 },
	{ "nothing but the tails of characters",
	    "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80"
	    "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80"
	    "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80", 0 },
};
/* clang-format on */

START_TEST(label)
{
	const struct label_row *row = &label_rows[_i];
	struct fake_card *card = fake_card_new();
	const size_t fixed = 2 + 8 + 9;

	(void)snprintf(card->profile.name, sizeof card->profile.name, "%s", row->name);
	ck_assert_uint_eq(fake_card_say(card, SELECT_PIV), 0x9000);
	if (row->label == 0) {
		ck_assert_msg(card->answer_len == fixed + 2, "%s", row->why);
	} else {
		ck_assert_msg(card->answer_len == fixed + 2 + row->label + 2, "%s: %zu", row->why,
		    card->answer_len);
		ck_assert_msg(card->answer[fixed] == 0x50, "%s", row->why);
		ck_assert_msg(
		    memcmp(card->answer + fixed + 2, row->name, row->label) == 0, "%s", row->why);
	}
	fake_card_free(card);
}
END_TEST

/* ---- cards of another make ---- */

START_TEST(aes_admin)
{
	static const uint8_t algorithms[] = { ALG_AES_128, ALG_AES_192, ALG_AES_256 };
	char command[128];
	struct fake_card *card = fake_card_new();
	uint8_t octets[8];
	struct wbuf key = wbuf_over(octets, sizeof octets);
	unsigned i;
	int n;

	fake_vault_key(&card->vault, algorithms[_i], PIN_NEVER, &key);
	ck_assert_int_eq(store_put(&card->store.port, STORE_KEY, 0x9b, wbuf_view(&key)), STORE_OK);
	(void)snprintf(command, sizeof command, "00 87 %02x 9b 04 7c 02 81 00", algorithms[_i]);
	fake_card_expect(card, "AES", (struct exchange){ command, "7c 12 81 10 ??*16 9000" });
	n = snprintf(command, sizeof command, "00 87 %02x 9b 14 7c 12 82 10", algorithms[_i]);
	for (i = 0; i < 16; i++)
		n += snprintf(command + n, sizeof command - (size_t)n, " %02x",
		    fake_vault_mix(algorithms[_i], card->answer[4 + i]));
	fake_card_expect(card, "AES", (struct exchange){ command, "9000" });
	fake_card_expect(card, "AES", (struct exchange)IS_ADMIN);
	fake_card_expect(card, "AES", (struct exchange){ "00 87 03 9b 04 7c 02 81 00", "6a86" });
	fake_card_free(card);
}
END_TEST

/* 9B made at random serves only after the PIN: the vault says so, and the card says it again. */
START_TEST(admin_behind_pin)
{
	struct fake_card *card = fake_card_new();
	uint8_t octets[8];
	struct wbuf key = wbuf_over(octets, sizeof octets);

	fake_vault_key(&card->vault, ALG_3DES, PIN_ONCE, &key);
	ck_assert_int_eq(store_put(&card->store.port, STORE_KEY, 0x9b, wbuf_view(&key)), STORE_OK);
	fake_card_expect(card, "no PIN", (struct exchange)CHALLENGE);
	fake_card_expect(card, "no PIN", (struct exchange){ ANSWER, "6982" });
	fake_card_expect(card, "no PIN", (struct exchange){ "00 87 03 9b 04 7c 02 80 00", "6982" });
	fake_card_expect(card, "no PIN", (struct exchange)NOT_ADMIN);
	fake_card_expect(card, "PIN", (struct exchange)VERIFIED);
	fake_card_become_admin(card);
	fake_card_expect(card, "PIN", (struct exchange)IS_ADMIN);
	fake_card_free(card);
}
END_TEST

START_TEST(no_puk)
{
	struct fake_card *card = fake_card_new();

	card->vault.references[REFERENCE_PUK].present = false;
	fake_card_expect(
	    card, "no PUK", (struct exchange){ "00 2c 00 80 10 " PUK " " NEW, "6983" });
	fake_card_expect(
	    card, "no PUK", (struct exchange){ "00 2c 00 80 10 " PUK " 41*7 ff", "6983" });
	fake_card_expect(
	    card, "no PUK", (struct exchange){ "00 24 00 81 10 " PUK " " NEW, "6983" });
	fake_card_free(card);
}
END_TEST

/* A host that counts what it is told of blocks. */
struct told {
	struct piv_host host;
	unsigned blocks[REFERENCE_ADMIN + 1];
};

static void
told(struct piv_host *host, enum reference which)
{
	((struct told *)(void *)host)->blocks[which]++;
}

/* clang-format off */
static const struct told_row {
	const char *why;
	const char *command, *answer;
	unsigned left, pin, puk; /* tries before; how often each is told of */
	bool unreadable;
} told_rows[] = {
	{ "a wrong PIN", PIN_WRONG, "63c1", 2, 0, 0, false },
	{ "the last one", PIN_WRONG, "6983", 1, 1, 0, false },
	{ "one more", PIN_WRONG, "6983", 0, 0, 0, false },
	{ "the right one, too late", PIN_RIGHT, "6983", 0, 0, 0, false },
	{ "the right one at last", PIN_RIGHT, "9000", 1, 0, 0, false },
	{ "a question", PIN_QUERY, "6983", 0, 0, 0, false },
	{ "one that is none", "00 20 00 80 08 ff*7 41", "6a80", 1, 0, 0, false },
	{ "changing the PIN", "00 24 00 80 10 " BAD " " NEW, "6983", 1, 1, 0, false },
	{ "changing the PUK", "00 24 00 81 10 " BAD " " NEW, "6983", 1, 0, 1, false },
	{ "a wrong PUK", "00 2c 00 80 10 " BAD " " NEW, "6983", 1, 0, 1, false },
	{ "which was blocked", "00 2c 00 80 10 " BAD " " NEW, "6983", 0, 0, 0, false },
	{ "a vault that cannot tell", PIN_WRONG, "6300", 1, 0, 0, true },
};
/* clang-format on */

START_TEST(told_of_blocks)
{
	const struct told_row *row = &told_rows[_i];
	struct told host = { .host = { .blocked = told } };
	struct fake_card *card = fake_card_new();

	card->piv.host = &host.host;
	card->vault.references[REFERENCE_PIN].left = row->left;
	card->vault.references[REFERENCE_PUK].left = row->left;
	card->vault.unreadable = row->unreadable;
	fake_card_expect(card, row->why, (struct exchange){ row->command, row->answer });
	ck_assert_msg(host.blocks[REFERENCE_PIN] == row->pin &&
			  host.blocks[REFERENCE_PUK] == row->puk &&
			  host.blocks[REFERENCE_ADMIN] == 0,
	    "%s: %u, %u", row->why, host.blocks[REFERENCE_PIN], host.blocks[REFERENCE_PUK]);
	fake_card_free(card);
}
END_TEST

START_TEST(tries_cannot_be_told)
{
	struct fake_card *card = fake_card_new();

	card->vault.unreadable = true;
	fake_card_expect(card, "query", (struct exchange){ PIN_QUERY, "6982" });
	fake_card_expect(card, "wrong", (struct exchange){ PIN_WRONG, "6300" });
	fake_card_expect(card, "right", (struct exchange)VERIFIED);
	fake_card_expect(card, "query", (struct exchange){ PIN_QUERY, "9000" });
	fake_card_free(card);
}
END_TEST

START_TEST(more_tries_than_can_be_told)
{
	struct fake_card *card = fake_card_new();

	card->vault.references[REFERENCE_PIN].left = 200;
	fake_card_expect(card, "query", (struct exchange){ PIN_QUERY, "63cf" });
	fake_card_expect(card, "wrong", (struct exchange){ PIN_WRONG, "63cf" });
	card->vault.references[REFERENCE_PIN].left = 15;
	fake_card_expect(card, "query", (struct exchange){ PIN_QUERY, "63cf" });
	fake_card_expect(card, "wrong", (struct exchange){ PIN_WRONG, "63ce" });
	fake_card_free(card);
}
END_TEST

START_TEST(policy_of_the_card)
{
	struct fake_card *card = fake_card_new();

	card->profile.policy = (struct pin_policy){ .min = 4,
		.max = 6,
		.rules = { [PIN_DIGITS] = CLASS_REQUIRED, [PIN_SPECIAL] = CLASS_DISALLOWED },
		.printable = true };
	fake_card_expect(
	    card, "too long", (struct exchange){ "00 24 00 80 10 " PIN " 31*7 ff", "6a80" });
	fake_card_expect(
	    card, "no digit", (struct exchange){ "00 24 00 80 10 " PIN " 41*4 ff*4", "6a80" });
	fake_card_expect(
	    card, "special", (struct exchange){ "00 24 00 80 10 " PIN " 31*4 2d ff*3", "6a80" });
	fake_card_expect(
	    card, "good", (struct exchange){ "00 24 00 80 10 " PIN " 31*4 ff*4", "9000" });
	fake_card_expect(card, "good", (struct exchange){ "00 20 00 80 08 31*4 ff*4", "9000" });
	fake_card_free(card);
}
END_TEST

/* A new PIN is verified afterwards, but no PIN-always key works: neither card nor vault lets it. */
START_TEST(change_is_no_verify)
{
	static const char *const commands[] = { "00 24 00 80 10 " PIN NEW,
		"00 2c 00 80 10 " PUK NEW };
	size_t i;

	for (i = 0; i < 2; i++) {
		struct fake_card *card = fake_card_new();

		fake_card_expect(card, "PIN", (struct exchange)VERIFIED);
		fake_card_expect(card, commands[i], (struct exchange){ commands[i], "9000" });
		ck_assert(card->vault.once && !card->vault.always);
		ck_assert_uint_eq(card->piv.status, ACCESS_PIN);
		fake_card_free(card);
	}
}
END_TEST

/* A proof that ran out in the vault: the card stops saying that the PIN is verified. */
START_TEST(proof_ran_out)
{
	struct fake_card *card = fake_card_new();

	fake_card_expect(card, "PIN", (struct exchange)VERIFIED);
	card->vault.once = false;
	fake_card_expect(card, "too late", (struct exchange)NO_9A);
	fake_card_expect(card, "too late", (struct exchange){ PIN_QUERY, "63c5" });
	fake_card_expect(card, "PIN", (struct exchange)VERIFIED);
	card->vault.always = false;
	fake_card_expect(card, "too late", (struct exchange){ SIGN_9C, "6982" });
	fake_card_expect(card, "too late", (struct exchange){ PIN_QUERY, "63c5" });
	fake_card_free(card);
}
END_TEST

/* What cannot fit a key is refused here: the vault is asked what the key is, and no more. */
START_TEST(vault_is_not_bothered)
{
	static const char *const commands[] = {
		"00 87 07 9a 07 7c 05 82 00 81 01 11",
		"00 87 07 9a 00 01 08 7c 82 01 04 82 00 81 81 ff 11*255",
		"00 87 07 9a 00 01 0b 7c 82 01 07 82 00 81 82 01 01 11*257",
		"00 87 07 9a 47 7c 45 82 00 85 41 04 11*64",
		"00 87 11 9e 27 7c 25 82 00 81 21 22*33",
		"00 87 11 9e 45 7c 43 85 41 02 11*64",
		"00 87 11 9e 44 7c 42 85 40 04 11*63",
	};
	struct fake_card *card = fake_card_new();
	unsigned calls;

	fake_card_expect(card, "PIN", (struct exchange)VERIFIED);
	calls = card->vault.calls;
	fake_card_expect(card, commands[_i], (struct exchange){ commands[_i], "6a80" });
	ck_assert_uint_le(card->vault.calls, calls + 1);
	fake_card_free(card);
}
END_TEST

/* Keys of another kind than their place: a file moved about by hand is no key. */
START_TEST(keys_in_wrong_places)
{
	struct fake_card *card = fake_card_new();
	static const uint8_t admin[] = { 'K', ALG_3DES, PIN_NEVER, 1 };
	static const uint8_t sign[] = { 'K', ALG_ECC_P256, PIN_NEVER, 2 };
	static const uint8_t strange[] = { 'K', 0x99, PIN_NEVER, 3 };
	static const uint8_t ruleless[] = { 'K', ALG_ECC_P256, 7, 4 };
	static const uint8_t nothing[] = { 'K', ALG_ECC_P256, 0, 4 };
	struct store *s = &card->store.port;

	ck_assert_int_eq(store_put(s, STORE_KEY, 0x9e, rbuf_of(admin, 4)), STORE_OK);
	ck_assert_int_eq(store_put(s, STORE_KEY, 0x9b, rbuf_of(sign, 4)), STORE_OK);
	ck_assert_int_eq(store_put(s, STORE_KEY, 0x82, rbuf_of(strange, 4)), STORE_OK);
	ck_assert_int_eq(store_put(s, STORE_KEY, 0x83, rbuf_of(ruleless, 4)), STORE_OK);
	ck_assert_int_eq(store_put(s, STORE_KEY, 0x84, rbuf_of("junk", 4)), STORE_OK);
	ck_assert_int_eq(store_put(s, STORE_KEY, 0x85, rbuf_of(nothing, 4)), STORE_OK);
	fake_card_expect(
	    card, "9B in 9E", (struct exchange){ "00 87 03 9e 0c 7c 0a 81 08 20*8", "6a88" });
	fake_card_expect(
	    card, "9E in 9B", (struct exchange){ "00 87 11 9b 04 7c 02 81 00", "6a88" });
	fake_card_expect(card, "unknown algorithm",
	    (struct exchange){ "00 87 99 82 05 7c 03 81 01 aa", "6a88" });
	fake_card_expect(
	    card, "unknown rule", (struct exchange){ "00 87 11 83 05 7c 03 81 01 aa", "6982" });
	fake_card_expect(
	    card, "no rule", (struct exchange){ "00 87 11 85 05 7c 03 81 01 aa", "6982" });
	fake_card_expect(
	    card, "junk", (struct exchange){ "00 87 11 84 05 7c 03 81 01 aa", "6a88" });
	fake_card_free(card);
}
END_TEST

/* A vault that answers more than it may is a broken one. */
START_TEST(vault_says_too_much)
{
	struct fake_card *card = fake_card_new();

	fake_card_become_admin(card);
	card->vault.oversize = 1;
	fake_card_expect(card, "key", (struct exchange){ "00 47 00 9e 05 ac 03 80 01 11", "6f00" });
	fake_card_expect(
	    card, "signature", (struct exchange){ "00 87 11 9e 05 7c 03 81 01 aa", "6f00" });
	fake_card_expect(card, "random", (struct exchange){ "00 87 03 9b 04 7c 02 81 00", "6f00" });
	fake_card_expect(card, "still the administrator", (struct exchange)IS_ADMIN);
	card->vault.oversize = 0;
	card->vault.long_public = true;
	fake_card_expect(
	    card, "public value", (struct exchange){ "00 47 00 9e 05 ac 03 80 01 11", "6f00" });
	fake_card_expect(card, "the old key", (struct exchange)SIGN_9E);
	fake_card_expect(
	    card, "challenge", (struct exchange){ "00 87 03 9b 04 7c 02 81 00", "...9000" });
	card->vault.oversize = 1;
	fake_card_expect(
	    card, "encryption", (struct exchange){ "00 87 03 9b 0c 7c 0a 82 08 20*8", "6f00" });
	fake_card_expect(card, "no administrator", (struct exchange)NOT_ADMIN);
	fake_card_free(card);
}
END_TEST

/* ---- text for the log ---- */

static const struct {
	const char *command, *text;
} descriptions[] = {
	{ "00 87 11 9a 02 7c 00", "GENERAL AUTHENTICATE 11 9a" },
	{ "10 87 11 9a 02 7c 00", "GENERAL AUTHENTICATE 11 9a (more follows)" },
	{ PIN_RIGHT, "VERIFY 00 80" },
	{ "80 12 34 56", "unknown command 80 12 34 56" },
	{ "00 a4 04", "no command APDU" },
	{ "", "no command APDU" },
};

START_TEST(description)
{
	uint8_t octets[64];
	char text[64], cut[4];
	struct rbuf command =
	    rbuf_of(octets, fake_card_octets(descriptions[_i].command, octets, sizeof octets));

	piv_describe(command, text, sizeof text);
	ck_assert_str_eq(text, descriptions[_i].text);
	piv_describe(command, cut, sizeof cut);
	ck_assert_uint_eq(strlen(cut), 3);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("piv");
	TCase *tcase = tcase_create("piv");

	tcase_add_rows(tcase, session, sessions);
	tcase_add_test(tcase, reset_takes_everything);
	tcase_add_test(tcase, reset_ends_a_chain);
	tcase_add_test(tcase, nothing_stays);
	tcase_add_test(tcase, taken_back);
	tcase_add_test(tcase, little_room);
	tcase_add_rows(tcase, label, label_rows);
	tcase_add_loop_test(tcase, aes_admin, 0, 3);
	tcase_add_test(tcase, admin_behind_pin);
	tcase_add_test(tcase, no_puk);
	tcase_add_rows(tcase, told_of_blocks, told_rows);
	tcase_add_test(tcase, tries_cannot_be_told);
	tcase_add_test(tcase, more_tries_than_can_be_told);
	tcase_add_test(tcase, policy_of_the_card);
	tcase_add_test(tcase, change_is_no_verify);
	tcase_add_test(tcase, proof_ran_out);
	tcase_add_loop_test(tcase, vault_is_not_bothered, 0, 7);
	tcase_add_test(tcase, keys_in_wrong_places);
	tcase_add_test(tcase, vault_says_too_much);
	tcase_add_rows(tcase, description, descriptions);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
