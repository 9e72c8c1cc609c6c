/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/commands.h"

static const char general[] =
    "Usage: tpmvscmgr create  /name NAME [options]\n"
    "       tpmvscmgr destroy /instance ID [options]\n"
    "       tpmvscmgr list    [options]\n"
    "\n"
    "Makes, unmakes and lists TPM virtual smart cards.  \"tpmvscmgr COMMAND /?\" tells\n"
    "more.  Every option can be written /option VALUE, in any case and shortened, or\n"
    "--option VALUE or --option=VALUE.\n"
    "\n"
    "  --config FILE   use FILE instead of " TPMVSC_CONF "\n"
    "  /quiet, -q      no progress; errors still\n"
    "  --verbose, -v   all that the log would get, on standard error\n"
    "  --version, -V   print the version\n"
    "  /?, --help, -h  print this\n"
    "\n"
    "Exit status: 0 done; 1 failed; 2 wrong usage; 3 no such card; 4 the TPM cannot be\n"
    "used; 5 not permitted; 6 a secret is wrong or breaks the policy; 7 no room.\n";

static const char create[] =
    "Usage: tpmvscmgr create /name NAME [/AdminKey DEFAULT|PROMPT|RANDOM]\n"
    "           [/PIN DEFAULT|PROMPT] [/PUK DEFAULT|PROMPT] [/generate]\n"
    "           [/pinpolicy RULE VALUE ...] [--admin-algorithm ALGORITHM]\n"
    "           [--admin-unblock yes|no] [--pin-tries N] [--puk-tries N]\n"
    "           [--allow-reset] [/quiet] [/?]\n"
    "\n"
    "Makes a card and prints its instance ID.\n"
    "\n"
    "  /name, -n NAME      the card's name: 1 to 64 printable characters\n"
    "  /AdminKey DEFAULT   010203040506070801020304050607080102030405060708\n"
    "            PROMPT    ask for it, in hexadecimal\n"
    "            RANDOM    made at random and never shown\n"
    "  /PIN DEFAULT        12345678\n"
    "       PROMPT         ask for it: 8 to 127 ASCII characters\n"
    "  /PUK DEFAULT        12345678\n"
    "       PROMPT         ask for it; without /PUK the card has none\n"
    "  /generate, -g       write the card's file system, so that it can be enrolled\n"
    "  /pinpolicy          with /PIN PROMPT, any of: minlen N, maxlen N, and uppercase,\n"
    "                      lowercase, digits, specialchars each followed by ALLOWED,\n"
    "                      DISALLOWED or REQUIRED; also minlen=N,digits=REQUIRED,...\n"
    "  --admin-algorithm   3DES (the default), AES128, AES192 or AES256\n"
    "  --admin-unblock     whether the administrator key may reset the PIN (yes)\n"
    "  --pin-tries, --puk-tries N\n"
    "                      wrong tries until it is blocked: 1 to 10 (5)\n"
    "  --allow-reset       once PIN and PUK are blocked, whoever may talk to the card\n"
    "                      may empty it and start over with the default secrets\n"
    "\n"
    "What is prompted for is read from the terminal, or, when standard input is none,\n"
    "from its lines in the order administrator key, PIN, PUK.\n";

static const char destroy[] =
    "Usage: tpmvscmgr destroy /instance ID [/quiet] [/?]\n"
    "\n"
    "Erases a card from the TPM and from the disk.  It cannot be recovered.\n"
    "\n"
    "  /instance, -i ID    what create printed, such as ROOT\\SMARTCARDREADER\\0000, or\n"
    "                      the number at its end\n";

static const char list[] =
    "Usage: tpmvscmgr list [/quiet] [/?]\n"
    "\n"
    "Lists the cards: instance ID, reader, state, tries left for PIN and PUK, keys and\n"
    "their algorithms, name.\n";

/* clang-format off */
static const char *const texts[VERBS] = {
	[VERB_NONE] = general,
	[VERB_CREATE] = create,
	[VERB_DESTROY] = destroy,
	[VERB_LIST] = list,
};
/* clang-format on */

const char *
help_text(enum verb verb)
{
	return texts[verb] != NULL ? texts[verb] : general;
}
