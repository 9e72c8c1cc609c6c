/* SPDX-License-Identifier: BSD-2-Clause */
/* Command lines, in both spellings, and what the tool makes of them. */
#include "tests/suite.h"
#include "tools/options.h"

#include <stdio.h>
#include <string.h>

#define WORDS_MAX 80

/* What a good line must come to; what a row leaves out is the default. */
struct want {
	enum verb verb;
	bool help, version, quiet, verbose;
	const char *config, *name;
	enum source admin_key, pin, puk;
	uint8_t admin_algorithm;       /* 0: of create ALG_3DES */
	bool admin_stays_out;          /* admin_unblock is false */
	unsigned pin_tries, puk_tries; /* 0: 5 */
	bool generate, allow_reset, has_policy;
	uint8_t min, max; /* 0: 8 and 127 */
	uint8_t rules[PIN_CLASSES];
	unsigned instance;
	bool json, stdio, if_absent, no_qr, self_signed, no_history;
	const char *machine, *record, *challenge, *subject, *output, *install, *alt_name;
	const char *file[SECRET_KINDS];
	unsigned implied;
	uint64_t here;
	enum unblock_by by;
	unsigned wait, days; /* 0: 15 and 365 */
	uint8_t slot, algorithm; /* algorithm 0: ALG_ECC_P256 */
	unsigned pin_rule;
	bool request;
	const char *operand, *ca, *acme, *webauthn;
	size_t nonce_len;
	unsigned required; /* 0: REQUIRE_USUAL */
};

struct row {
	const char *why;
	const char *line; /* words between single spaces; ~ stands for a space in a word */
	struct want want;
};

/* clang-format off */
static const struct row good[] = {
	/* the seed's own examples */
	{ "managed", "create /name Corp /AdminKey DEFAULT /PIN PROMPT",
	    { .verb = VERB_CREATE, .name = "Corp", .admin_key = SOURCE_DEFAULT, .pin = SOURCE_PROMPT } },
	{ "key typed in", "create /name Corp /AdminKey PROMPT /PIN PROMPT",
	    { .verb = VERB_CREATE, .name = "Corp", .admin_key = SOURCE_PROMPT, .pin = SOURCE_PROMPT } },
	{ "unmanaged, /g", "create /name Corp /AdminKey RANDOM /PIN PROMPT /g",
	    { .verb = VERB_CREATE, .name = "Corp", .admin_key = SOURCE_RANDOM, .pin = SOURCE_PROMPT, .generate = true } },
	{ "destroyed", "destroy /instance ROOT\\SMARTCARDREADER\\0000", { .verb = VERB_DESTROY } },
	{ "a policy", "create /name Corp /PIN PROMPT /pinpolicy minlen 4",
	    { .verb = VERB_CREATE, .name = "Corp", .pin = SOURCE_PROMPT, .has_policy = true, .min = 4 } },

	/* spellings */
	{ "GNU", "create --name Corp --admin-key random --pin prompt --puk default --generate --quiet",
	    { .verb = VERB_CREATE, .name = "Corp", .admin_key = SOURCE_RANDOM, .pin = SOURCE_PROMPT, .puk = SOURCE_DEFAULT,
	      .generate = true, .quiet = true } },
	{ "GNU with =", "create --name=Corp --admin-key=RANDOM --pin=PROMPT",
	    { .verb = VERB_CREATE, .name = "Corp", .admin_key = SOURCE_RANDOM, .pin = SOURCE_PROMPT } },
	{ "mixed", "create --name=Corp /PIN PROMPT -g /PUK default -q",
	    { .verb = VERB_CREATE, .name = "Corp", .pin = SOURCE_PROMPT, .puk = SOURCE_DEFAULT, .generate = true, .quiet = true } },
	{ "slash with =", "create /name=Corp", { .verb = VERB_CREATE, .name = "Corp" } },
	{ "any case of names", "create /NAME Corp /ADMINKEY default /pIn Prompt",
	    { .verb = VERB_CREATE, .name = "Corp", .admin_key = SOURCE_DEFAULT, .pin = SOURCE_PROMPT } },
	{ "any case of the command", "CREATE /name Corp", { .verb = VERB_CREATE, .name = "Corp" } },
	{ "GNU names in any case", "create --Name Corp --AdminKey DEFAULT",
	    { .verb = VERB_CREATE, .name = "Corp", .admin_key = SOURCE_DEFAULT } },
	{ "hyphens do not count", "create --name Corp --adminkey default --admin-algorithm aes128 --pintries 3",
	    { .verb = VERB_CREATE, .name = "Corp", .admin_key = SOURCE_DEFAULT, .admin_algorithm = ALG_AES_128, .pin_tries = 3 } },
	{ "nor in Windows' names", "create /name Corp /admin-key DEFAULT",
	    { .verb = VERB_CREATE, .name = "Corp", .admin_key = SOURCE_DEFAULT } },
	{ "one hyphen and a word, as some shells teach", "create -name Corp -quiet", { .verb = VERB_CREATE, .name = "Corp", .quiet = true } },
	{ "short options", "create -n Corp -g -q -v", { .verb = VERB_CREATE, .name = "Corp", .generate = true, .quiet = true, .verbose = true } },
	{ "a short option of destroy", "destroy -i 3", { .verb = VERB_DESTROY, .instance = 3 } },
	{ "end of options", "list --", { .verb = VERB_LIST } },

	/* prefixes */
	{ "/a is ambiguous, /ad is not: the seed's names first", "create /n Corp /ad RANDOM",
	    { .verb = VERB_CREATE, .name = "Corp", .admin_key = SOURCE_RANDOM } },
	{ "/pin is exact beside /pinpolicy", "create /n Corp /pin PROMPT", { .verb = VERB_CREATE, .name = "Corp", .pin = SOURCE_PROMPT } },
	{ "/pinp is the policy", "create /n Corp /pin PROMPT /pinp minlen 5",
	    { .verb = VERB_CREATE, .name = "Corp", .pin = SOURCE_PROMPT, .has_policy = true, .min = 5 } },
	{ "/pu is the PUK, not its tries", "create /n Corp /pu DEFAULT", { .verb = VERB_CREATE, .name = "Corp", .puk = SOURCE_DEFAULT } },
	{ "/pint is no seed's name", "create /n Corp /pint 7", { .verb = VERB_CREATE, .name = "Corp", .pin_tries = 7 } },
	{ "/gen", "create /n Corp /gen", { .verb = VERB_CREATE, .name = "Corp", .generate = true } },
	{ "/inst", "destroy /inst 0", { .verb = VERB_DESTROY } },
	{ "--admin-a", "create -n Corp --admin-al AES192", { .verb = VERB_CREATE, .name = "Corp", .admin_algorithm = ALG_AES_192 } },

	/* values */
	{ "a value is never an option", "create /name /generate", { .verb = VERB_CREATE, .name = "/generate" } },
	{ "not even --quiet", "create --name --quiet", { .verb = VERB_CREATE, .name = "--quiet" } },
	{ "nor the end of options", "create --name --", { .verb = VERB_CREATE, .name = "--" } },
	{ "a path is a value", "list --config /tmp/x.conf", { .verb = VERB_LIST, .config = "/tmp/x.conf" } },
	{ "a path after a short option", "list -c /tmp/x.conf", { .verb = VERB_LIST, .config = "/tmp/x.conf" } },
	{ "only the first = parts", "create --name=a=b", { .verb = VERB_CREATE, .name = "a=b" } },
	{ "a name with spaces", "create /name My~card", { .verb = VERB_CREATE, .name = "My card" } },
	{ "a name beyond ASCII", "create /name J\xc3\xbcrgen", { .verb = VERB_CREATE, .name = "J\xc3\xbcrgen" } },
	{ "64 characters", "create /name aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	    { .verb = VERB_CREATE, .name = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" } },

	/* options of the whole tool, on either side of the command */
	{ "before", "--config=/x -q list", { .verb = VERB_LIST, .config = "/x", .quiet = true } },
	{ "behind", "list /quiet --verbose", { .verb = VERB_LIST, .quiet = true, .verbose = true } },
	{ "twice does no harm where there is no value", "list /quiet /quiet", { .verb = VERB_LIST, .quiet = true } },

	/* help and version */
	{ "/?", "/?", { .help = true } },
	{ "-?", "-?", { .help = true } },
	{ "-h", "-h", { .help = true } },
	{ "--help", "--help", { .help = true } },
	{ "help of a command", "create /?", { .verb = VERB_CREATE, .help = true } },
	{ "help before what is wrong", "destroy /? /nonsense", { .verb = VERB_DESTROY, .help = true } },
	{ "help with what is missing", "create --help", { .verb = VERB_CREATE, .help = true } },
	{ "--version", "--version", { .version = true } },
	{ "-V", "-V", { .version = true } },
	{ "-v is not -V", "list -v", { .verb = VERB_LIST, .verbose = true } },

	/* create */
	{ "algorithms in any case", "create -n x --admin-algorithm Aes256 --admin-key RANDOM",
	    { .verb = VERB_CREATE, .name = "x", .admin_algorithm = ALG_AES_256, .admin_key = SOURCE_RANDOM } },
	{ "AES256 typed in", "create -n x --admin-algorithm=aes256 /adminkey prompt",
	    { .verb = VERB_CREATE, .name = "x", .admin_algorithm = ALG_AES_256, .admin_key = SOURCE_PROMPT } },
	{ "3DES by name", "create -n x --admin-algorithm 3des", { .verb = VERB_CREATE, .name = "x" } },
	{ "the key stays out of it", "create -n x --admin-unblock NO", { .verb = VERB_CREATE, .name = "x", .admin_stays_out = true } },
	{ "or not", "create -n x --admin-unblock yes", { .verb = VERB_CREATE, .name = "x" } },
	{ "one try", "create -n x --pin-tries 1 --puk-tries=10", { .verb = VERB_CREATE, .name = "x", .pin_tries = 1, .puk_tries = 10 } },
	{ "resetting", "create -n x --allow-reset", { .verb = VERB_CREATE, .name = "x", .allow_reset = true } },
	{ "in Windows' spelling", "create /name x /AllowReset /quiet",
	    { .verb = VERB_CREATE, .name = "x", .allow_reset = true, .quiet = true } },
	{ "cut short", "create /name x /allow", { .verb = VERB_CREATE, .name = "x", .allow_reset = true } },
	{ "with a policy that the default PIN keeps", "create /name x /PIN PROMPT /pinpolicy minlen 8 digits REQUIRED --allow-reset",
	    { .verb = VERB_CREATE, .name = "x", .pin = SOURCE_PROMPT, .has_policy = true, .allow_reset = true,
	      .rules = { [PIN_DIGITS] = CLASS_REQUIRED } } },

	/* the policy */
	{ "pairs", "create -n x /PIN PROMPT /pinpolicy minlen 6 maxlen 12 uppercase REQUIRED digits disallowed",
	    { .verb = VERB_CREATE, .name = "x", .pin = SOURCE_PROMPT, .has_policy = true, .min = 6, .max = 12,
	      .rules = { [PIN_UPPERCASE] = CLASS_REQUIRED, [PIN_DIGITS] = CLASS_DISALLOWED } } },
	{ "all of them, and another option behind", "create /PIN PROMPT /pinpolicy minlen 4 maxlen 8 uppercase ALLOWED lowercase REQUIRED digits REQUIRED specialchars DISALLOWED /name x",
	    { .verb = VERB_CREATE, .name = "x", .pin = SOURCE_PROMPT, .has_policy = true, .min = 4, .max = 8,
	      .rules = { [PIN_LOWERCASE] = CLASS_REQUIRED, [PIN_DIGITS] = CLASS_REQUIRED, [PIN_SPECIAL] = CLASS_DISALLOWED } } },
	{ "a list", "create -n x --pin=prompt --pin-policy=minlen=4,digits=required",
	    { .verb = VERB_CREATE, .name = "x", .pin = SOURCE_PROMPT, .has_policy = true, .min = 4, .rules = { [PIN_DIGITS] = CLASS_REQUIRED } } },
	{ "a list as a word", "create -n x --pin=prompt --pinpolicy minlen=4,digits=required -q",
	    { .verb = VERB_CREATE, .name = "x", .pin = SOURCE_PROMPT, .has_policy = true, .min = 4, .quiet = true, .rules = { [PIN_DIGITS] = CLASS_REQUIRED } } },
	{ "both ways", "create -n x --pin=prompt --pinpolicy minlen=4 maxlen 9 DIGITS=Required",
	    { .verb = VERB_CREATE, .name = "x", .pin = SOURCE_PROMPT, .has_policy = true, .min = 4, .max = 9, .rules = { [PIN_DIGITS] = CLASS_REQUIRED } } },
	{ "the option twice, each with its rules", "create -n x --pin=prompt --pinpolicy=minlen=4 --pinpolicy=maxlen=6",
	    { .verb = VERB_CREATE, .name = "x", .pin = SOURCE_PROMPT, .has_policy = true, .min = 4, .max = 6 } },
	{ "no rule: printable characters only", "create -n x /pin prompt /pinpolicy /quiet",
	    { .verb = VERB_CREATE, .name = "x", .pin = SOURCE_PROMPT, .has_policy = true, .quiet = true } },
	{ "the extremes", "create -n x /pin prompt /pinpolicy minlen 127 maxlen 127",
	    { .verb = VERB_CREATE, .name = "x", .pin = SOURCE_PROMPT, .has_policy = true, .min = 127, .max = 127 } },

	/* instances */
	{ "any case", "destroy /instance root\\SmartCardReader\\0007", { .verb = VERB_DESTROY, .instance = 7 } },
	{ "backslashes eaten", "destroy /instance ROOTSMARTCARDREADER0002", { .verb = VERB_DESTROY, .instance = 2 } },
	{ "or doubled", "destroy /instance ROOT\\\\SMARTCARDREADER\\\\0002", { .verb = VERB_DESTROY, .instance = 2 } },
	{ "a number", "destroy --instance 9", { .verb = VERB_DESTROY, .instance = 9 } },
	{ "four digits", "destroy --instance=0003", { .verb = VERB_DESTROY, .instance = 3 } },
	{ "well formed, if nowhere", "destroy --instance=9999", { .verb = VERB_DESTROY, .instance = 9999 } },

	/* elsewhere: words of here are bits of here, counted from the program's name */
	{ "a host", "create /name x /machine pc7", { .verb = VERB_CREATE, .name = "x", .machine = "pc7", .here = 3 << 4 } },
	{ "a user there", "destroy /instance 1 --machine=root@pc7.example.org", { .verb = VERB_DESTROY, .instance = 1, .machine = "root@pc7.example.org", .here = 1 << 4 } },
	{ "a user of a domain", "list /machine CORP\\adm@pc7", { .verb = VERB_LIST, .machine = "CORP\\adm@pc7", .here = 3 << 2 } },
	{ "an address", "list /machine root@fe80::1%eth0", { .verb = VERB_LIST, .machine = "root@fe80::1%eth0", .here = 3 << 2 } },
	{ "a URI", "list /machine ssh://root@pc7:2222", { .verb = VERB_LIST, .machine = "ssh://root@pc7:2222", .here = 3 << 2 } },
	{ "/m", "list /m pc7 --json", { .verb = VERB_LIST, .machine = "pc7", .json = true, .here = 3 << 2 } },
	{ "in front of the command not, but the configuration is", "-c /x show --machine pc7 -i 2", { .verb = VERB_SHOW, .config = "/x", .machine = "pc7", .instance = 2, .here = 3 << 1 | 3 << 4 } },
	{ "secrets of here", "create --name x --pin-file=- --puk-file /p /machine pc7",
	    { .verb = VERB_CREATE, .name = "x", .pin = SOURCE_PROMPT, .puk = SOURCE_PROMPT, .machine = "pc7", .here = 0x1f << 4,
	      .file = { [SECRET_PIN] = "-", [SECRET_PUK] = "/p" }, .implied = 1 << SECRET_PIN | 1 << SECRET_PUK } },
	{ "the end of options is no word to send", "list /machine pc7 --", { .verb = VERB_LIST, .machine = "pc7", .here = 7 << 2 } },
	{ "unblock there", "unblock -i 0 /machine pc7 /puk", { .verb = VERB_UNBLOCK, .machine = "pc7", .here = 3 << 4 } },
	{ "doctor there", "doctor --machine pc7", { .verb = VERB_DOCTOR, .machine = "pc7", .here = 3 << 2 } },
	{ "repair there", "repair --machine pc7", { .verb = VERB_REPAIR, .machine = "pc7", .here = 3 << 2 } },
	{ "the far side", "--stdio --config /x", { .stdio = true, .config = "/x", .here = 3 << 2 } },

	/* secrets in files */
	{ "a file is a prompt", "create -n x --admin-key-file /k --pin-file /p --puk-file /q",
	    { .verb = VERB_CREATE, .name = "x", .admin_key = SOURCE_PROMPT, .pin = SOURCE_PROMPT, .puk = SOURCE_PROMPT,
	      .file = { "/k", "/p", "/q" }, .implied = 7, .here = 0x3f << 4 } },
	{ "said twice", "create -n x /PIN PROMPT --pin-file /p",
	    { .verb = VERB_CREATE, .name = "x", .pin = SOURCE_PROMPT, .file = { [SECRET_PIN] = "/p" }, .here = 3 << 6 } },
	{ "a policy goes with a file", "create -n x --pin-file /p /pinpolicy minlen 4",
	    { .verb = VERB_CREATE, .name = "x", .pin = SOURCE_PROMPT, .file = { [SECRET_PIN] = "/p" }, .implied = 1 << SECRET_PIN,
	      .has_policy = true, .min = 4, .here = 3 << 4 } },

	/* create, beyond the seed */
	{ "for idempotent use", "create -n x --if-absent", { .verb = VERB_CREATE, .name = "x", .if_absent = true } },
	{ "a record", "create -n x --record /r", { .verb = VERB_CREATE, .name = "x", .record = "/r" } },

	/* list and show */
	{ "as JSON", "list --json", { .verb = VERB_LIST, .json = true } },
	{ "-j", "show -j -i 0", { .verb = VERB_SHOW, .json = true } },
	{ "in Windows' way", "show /instance ROOT\\SMARTCARDREADER\\0004 /json", { .verb = VERB_SHOW, .json = true, .instance = 4 } },
	{ "a card's record", "show -i 0 --record=/r", { .verb = VERB_SHOW, .record = "/r" } },

	/* unblock */
	{ "by the PUK, which is the default", "unblock /instance 0", { .verb = VERB_UNBLOCK } },
	{ "named", "unblock /instance 0 /PUK", { .verb = VERB_UNBLOCK } },
	{ "by the key", "unblock /instance 0 /AdminKey", { .verb = VERB_UNBLOCK, .by = BY_ADMIN_KEY } },
	{ "/ad is the key here as well", "unblock /instance 0 /ad", { .verb = VERB_UNBLOCK, .by = BY_ADMIN_KEY } },
	{ "by a key in a file", "unblock -i 0 --admin-key-file /k --new-pin-file -",
	    { .verb = VERB_UNBLOCK, .by = BY_ADMIN_KEY, .file = { [SECRET_ADMIN_KEY] = "/k", [SECRET_NEW_PIN] = "-" },
	      .implied = 1 << SECRET_ADMIN_KEY, .here = 0xf << 4 } },
	{ "by a PUK in a file", "unblock -i 0 --puk-file /p", { .verb = VERB_UNBLOCK, .file = { [SECRET_PUK] = "/p" }, .here = 3 << 4 } },
	{ "by the desk", "unblock -i 0 --challenge --wait 30 --no-qr", { .verb = VERB_UNBLOCK, .by = BY_CHALLENGE, .wait = 30, .no_qr = true } },
	{ "a whole day", "unblock -i 0 --challenge --wait 1440", { .verb = VERB_UNBLOCK, .by = BY_CHALLENGE, .wait = 1440 } },

	/* the desk */
	{ "asked for the challenge", "respond --record /r", { .verb = VERB_RESPOND, .record = "/r" } },
	{ "the challenge on the line", "respond --record /r --challenge ABCD-EFGH --no-qr --admin-key-file -",
	    { .verb = VERB_RESPOND, .record = "/r", .challenge = "ABCD-EFGH", .no_qr = true, .file = { [SECRET_ADMIN_KEY] = "-" }, .here = 3 << 7 } },

	/* changing secrets */
	{ "a PIN", "change-pin -i 3", { .verb = VERB_CHANGE_PIN, .instance = 3 } },
	{ "in any case, from files", "Change-PIN /instance 3 --pin-file /a --new-pin-file /b",
	    { .verb = VERB_CHANGE_PIN, .instance = 3, .file = { [SECRET_PIN] = "/a", [SECRET_NEW_PIN] = "/b" }, .here = 0xf << 4 } },
	{ "a PUK", "change-puk -i 3 --puk-file - --new-puk-file -",
	    { .verb = VERB_CHANGE_PUK, .instance = 3, .file = { [SECRET_PUK] = "-", [SECRET_NEW_PUK] = "-" }, .here = 0xf << 4 } },
	{ "an admin key", "change-admin-key -i 3 /AdminKey RANDOM --admin-algorithm AES256",
	    { .verb = VERB_CHANGE_ADMIN_KEY, .instance = 3, .admin_key = SOURCE_RANDOM, .admin_algorithm = ALG_AES_256 } },
	{ "from a file", "change-admin-key -i 3 --admin-key-file /a --new-admin-key-file /b",
	    { .verb = VERB_CHANGE_ADMIN_KEY, .instance = 3, .admin_key = SOURCE_PROMPT, .implied = 1 << SECRET_NEW_ADMIN_KEY,
	      .file = { [SECRET_ADMIN_KEY] = "/a", [SECRET_NEW_ADMIN_KEY] = "/b" }, .here = 0xf << 4 } },

	/* enroll */
	{ "a request", "enroll -i 0 --slot 9a --subject CN=Alice,O=Example",
	    { .verb = VERB_ENROLL, .slot = 0x9a, .subject = "CN=Alice,O=Example" } },
	{ "with everything", "enroll /instance 0 -s 9C -a rsa2048 --pin-rule always --subject CN=A --alt-name email:a@b --self-signed --days 30 -o /tmp/x --no-history",
	    { .verb = VERB_ENROLL, .slot = 0x9c, .algorithm = ALG_RSA_2048, .pin_rule = PIN_ALWAYS, .subject = "CN=A",
	      .alt_name = "email:a@b", .self_signed = true, .days = 30, .output = "/tmp/x", .no_history = true } },
	{ "what the authority sent", "enroll -i 0 --slot=9D --install c.pem", { .verb = VERB_ENROLL, .slot = 0x9d, .install = "c.pem" } },
	{ "in Windows' way", "enroll /i 0 /slot 9e /subject CN=A /algorithm eccp384", { .verb = VERB_ENROLL, .slot = 0x9e, .algorithm = ALG_ECC_P384, .subject = "CN=A" } },

	/* attest */
	{ "to standard output", "attest /instance 3", { .verb = VERB_ATTEST, .instance = 3 } },
	{ "one key, for a verifier", "attest -i 0 --slot 9A --nonce 0011aAfF -o /tmp/b", { .verb = VERB_ATTEST, .slot = 0x9a, .nonce_len = 4, .output = "/tmp/b" } },
	{ "a retired key", "attest -i 0 -s 8f", { .verb = VERB_ATTEST, .slot = 0x8f } },
	{ "the last of these", "attest -i 0 -s 95", { .verb = VERB_ATTEST, .slot = 0x95 } },
	{ "there", "attest -i 0 /machine pc7", { .verb = VERB_ATTEST, .machine = "pc7", .here = 3 << 4 } },

	{ "a request", "attest -i 0 --request -o r.json", { .verb = VERB_ATTEST, .request = true, .output = "r.json" } },
	{ "the answer", "attest -i 0 --install a.json", { .verb = VERB_ATTEST, .install = "a.json" } },
	{ "for ACME", "attest -i 0 --slot 9a --acme dG9rZW4.dGh1bWI -o o", { .verb = VERB_ATTEST, .slot = 0x9a, .acme = "dG9rZW4.dGh1bWI", .output = "o" } },
	{ "for ACME, there", "attest -i 0 -s 82 --acme t.u /machine pc7", { .verb = VERB_ATTEST, .slot = 0x82, .acme = "t.u", .machine = "pc7" } },
	{ "for WebAuthn", "attest -i 0 --slot 9c --webauthn example.org --client-data-hash 00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF",
	    { .verb = VERB_ATTEST, .slot = 0x9c, .webauthn = "example.org", .nonce_len = 32 } },

	/* verify */
	{ "a file", "verify b.json --ca r.pem", { .verb = VERB_VERIFY, .operand = "b.json", .ca = "r.pem" } },
	{ "a file behind the options", "verify --ca r.pem --json b.json", { .verb = VERB_VERIFY, .operand = "b.json", .ca = "r.pem", .json = true } },
	{ "a path", "verify /tmp/b.json --ca /r.pem", { .verb = VERB_VERIFY, .operand = "/tmp/b.json", .ca = "/r.pem" } },
	{ "a path of one name", "verify --ca /r.pem -- /b", { .verb = VERB_VERIFY, .operand = "/b", .ca = "/r.pem" } },
	{ "standard input", "verify - --ca r", { .verb = VERB_VERIFY, .operand = "-", .ca = "r" } },
	{ "a file like an option, behind the end of options", "verify --ca r -- --json", { .verb = VERB_VERIFY, .operand = "--json", .ca = "r" } },
	{ "a file like a command", "verify list --ca r", { .verb = VERB_VERIFY, .operand = "list", .ca = "r" } },
	{ "with a path for a value", "verify b --ca=/tmp/r.pem", { .verb = VERB_VERIFY, .operand = "b", .ca = "/tmp/r.pem" } },
	{ "in Windows' way, with a path for a value", "verify b /ca=/tmp/r.pem", { .verb = VERB_VERIFY, .operand = "b", .ca = "/tmp/r.pem" } },
	{ "with a nonce", "verify b --ca r --nonce 00", { .verb = VERB_VERIFY, .operand = "b", .ca = "r", .nonce_len = 1 } },
	{ "what needs no authority", "verify b --require pin,Keys", { .verb = VERB_VERIFY, .operand = "b", .required = REQUIRE_PIN | REQUIRE_KEYS } },
	{ "all there is", "verify b --ca r --require ek,ak,pin,keys,generated,pin-once,pin-always,certificates", { .verb = VERB_VERIFY, .operand = "b", .ca = "r", .required = 0xff } },

	{ "doctor", "doctor --json", { .verb = VERB_DOCTOR, .json = true } },
	{ "repair", "repair -v", { .verb = VERB_REPAIR, .verbose = true } },
};

static const struct bad_row {
	const char *why;
	const char *line;
	const char *named; /* what the message must name */
} bad[] = {
	{ "nothing", "", "command" },
	{ "no command", "/quiet", "command" },
	{ "an unknown command", "crate /name x", "crate" },
	{ "a command is not cut short", "cre /name x", "cre" },
	{ "an empty word", "create ~", "word 2" },
	{ "two commands", "list list", "word 2" },
	{ "a word too many", "create /name x y", "word 4" },
	{ "a word behind the end of options", "list -- /quiet", "word 3" },
	{ "an option before its command", "/name x create", "/name" },
	{ "another command's option", "list /name x", "/name" },
	{ "an unknown option", "create /name x /colour red", "/colour" },
	{ "an unknown long option", "create --name x --colour=red", "--colour" },
	{ "an unknown short option", "create -n x -z", "-z" },
	{ "a lone hyphen", "list -", "word 2" },
	{ "a lone slash", "list /", "word 2" },
	{ "= without a name", "list --=x", "--" },
	{ "hyphens only", "list ----", "----" },
	{ "ambiguous in the seed", "create /name x /a DEFAULT", "/a" },
	{ "ambiguous beyond it", "list --ver", "--ver" },
	{ "/p is three options", "create /name x /p DEFAULT", "/p" },

	{ "no name", "create /PIN DEFAULT", "/name" },
	{ "a name without a value", "create /name", "/name" },
	{ "an empty name", "create --name=", "--name" },
	{ "65 characters", "create /name aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "/name" },
	{ "a control character", "create /name a\x1b[31m", "/name" },
	{ "not UTF-8", "create /name a\xff", "/name" },
	{ "cut UTF-8", "create /name a\xc3", "/name" },
	{ "twice", "create /name x --name y", "--name" },
	{ "a key on the command line", "create /name x /AdminKey 010203040506070801020304050607080102030405060708", "/AdminKey" },
	{ "a PIN on the command line", "create /name x /PIN 12345678", "/PIN" },
	{ "PINs are not random", "create /name x /PIN RANDOM", "/PIN" },
	{ "PUKs neither", "create /name x /PUK RANDOM", "/PUK" },
	{ "no value", "create /name x /PIN", "/PIN" },
	{ "an empty value", "create /name x --pin=", "--pin" },
	{ "a flag with a value", "create /name x --generate=yes", "--generate" },
	{ "quiet with a value", "create /name x --quiet=1", "--quiet" },
	{ "an algorithm there is not", "create /name x --admin-algorithm DES", "--admin-algorithm" },
	{ "AES256 has no default", "create /name x --admin-algorithm AES256 /AdminKey DEFAULT", "/AdminKey" },
	{ "left out is the default", "create /name x --admin-algorithm AES256", "/AdminKey" },
	{ "resetting with a value", "create /name x --allow-reset=yes", "--allow-reset" },
	{ "resetting to a PIN too short", "create /name x --allow-reset /PIN PROMPT /pinpolicy minlen 9", "--allow-reset" },
	{ "or too long", "create /name x /PIN PROMPT /pinpolicy minlen 4 maxlen 7 --allow-reset", "--allow-reset" },
	{ "or without a letter", "create /name x /PIN PROMPT /pinpolicy lowercase REQUIRED --allow-reset", "--allow-reset" },
	{ "neither yes nor no", "create /name x --admin-unblock maybe", "--admin-unblock" },
	{ "no tries", "create /name x --pin-tries 0", "--pin-tries" },
	{ "eleven tries", "create /name x --pin-tries 11", "--pin-tries" },
	{ "fewer than none", "create /name x --puk-tries -1", "--puk-tries" },
	{ "a number with more behind it", "create /name x --puk-tries 5x", "--puk-tries" },
	{ "a number beyond numbers", "create /name x --puk-tries 4294967301", "--puk-tries" },
	{ "hexadecimal", "create /name x --puk-tries 0x5", "--puk-tries" },

	{ "a policy without a PIN", "create /name x /pinpolicy minlen 4", "/pinpolicy" },
	{ "with the default one", "create /name x /PIN DEFAULT /pinpolicy minlen 4", "/pinpolicy" },
	{ "a rule without a value", "create /name x /PIN PROMPT /pinpolicy minlen", "/pinpolicy" },
	{ "an option for a value", "create /name x /PIN PROMPT /pinpolicy minlen /quiet", "/pinpolicy" },
	{ "an unknown rule", "create /name x /PIN PROMPT /pinpolicy minimum 4", "/pinpolicy" },
	{ "an unknown rule later", "create /name x /PIN PROMPT /pinpolicy minlen 4 umlauts REQUIRED", "/pinpolicy" },
	{ "an unknown value", "create /name x /PIN PROMPT /pinpolicy digits NEVER", "/pinpolicy" },
	{ "a rule twice", "create /name x /PIN PROMPT /pinpolicy minlen 4 minlen 5", "/pinpolicy" },
	{ "twice in a list", "create /name x /PIN PROMPT --pinpolicy=digits=ALLOWED,digits=REQUIRED", "--pinpolicy" },
	{ "too short", "create /name x /PIN PROMPT /pinpolicy minlen 3", "/pinpolicy" },
	{ "too long", "create /name x /PIN PROMPT /pinpolicy maxlen 128", "/pinpolicy" },
	{ "too long for an octet", "create /name x /PIN PROMPT /pinpolicy maxlen 264", "/pinpolicy" },
	{ "the wrong way round", "create /name x /PIN PROMPT /pinpolicy minlen 9 maxlen 8", "/pinpolicy" },
	{ "below the default minimum", "create /name x /PIN PROMPT /pinpolicy maxlen 7", "/pinpolicy" },
	{ "nothing allowed", "create /name x /PIN PROMPT /pinpolicy uppercase DISALLOWED lowercase DISALLOWED digits DISALLOWED specialchars DISALLOWED", "/pinpolicy" },
	{ "an empty list", "create /name x /PIN PROMPT --pinpolicy=", "--pinpolicy" },
	{ "a list that ends early", "create /name x /PIN PROMPT --pinpolicy=minlen=4,", "--pinpolicy" },
	{ "a list without values", "create /name x /PIN PROMPT --pinpolicy=minlen", "--pinpolicy" },
	{ "a length that is no number", "create /name x /PIN PROMPT /pinpolicy minlen=four", "/pinpolicy" },

	{ "attestation of nothing", "create /name x /attestation", "/attestation" },
	{ "attestation by another name", "create /name x /attestation AK_ONLY", "/attestation" },
	{ "attestation twice", "create /name x /attestation AIK_ONLY /attestation AIK_AND_CERT", "/attestation" },

	{ "a request about one slot", "attest -i 0 --request --slot 9a", "--request" },
	{ "a request with a nonce", "attest -i 0 --request --nonce 00", "--request" },
	{ "a response and a request", "attest -i 0 --install r --request", "--install" },
	{ "a response, and evidence", "attest -i 0 --install r --output o", "--install" },
	{ "a response for another machine", "attest -i 0 --install r /machine h", "--install" },
	{ "a response in no file", "attest -i 0 --install", "--install" },
	{ "for ACME and WebAuthn", "attest -i 0 -s 9a --acme t.u --webauthn e --client-data-hash 00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF", "--acme, --webauthn" },
	{ "for ACME, a request", "attest -i 0 -s 9a --acme t.u --request", "--acme, --webauthn" },
	{ "for WebAuthn, a response", "attest -i 0 -s 9a --webauthn e --install r", "--acme, --webauthn" },
	{ "for ACME, of every key", "attest -i 0 --acme t.u", "--slot" },
	{ "for WebAuthn, of every key", "attest -i 0 --webauthn e --client-data-hash 00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF", "--slot" },
	{ "for ACME, a nonce", "attest -i 0 -s 9a --acme t.u --nonce 00", "--nonce" },
	{ "for ACME, nothing", "attest -i 0 -s 9a --acme", "--acme" },
	{ "for WebAuthn, nobody", "attest -i 0 -s 9a --webauthn", "--webauthn" },
	{ "for WebAuthn, no hash", "attest -i 0 -s 9a --webauthn e", "--client-data-hash" },
	{ "31 octets of it", "attest -i 0 -s 9a --webauthn e --client-data-hash 00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEE", "--client-data-hash" },
	{ "33 octets of it", "attest -i 0 -s 9a --webauthn e --client-data-hash 00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF00", "--client-data-hash" },
	{ "a file there, for ACME", "attest -i 0 -s 9a --acme t.u /machine a -o x", "--output" },
	{ "no request", "ca-respond --ca-cert c --ca-key k --ek-roots r", "ca-respond needs a request" },
	{ "two", "ca-respond a b --ca-cert c --ca-key k --ek-roots r", "takes one file" },
	{ "no CA", "ca-respond a --ca-key k --ek-roots r", "--ca-cert" },
	{ "no key of it", "ca-respond a --ca-cert c --ek-roots r", "--ca-key" },
	{ "no roots", "ca-respond a --ca-cert c --ca-key k", "--ek-roots" },
	{ "no days", "ca-respond a --ca-cert c --ca-key k --ek-roots r --days 0", "--days" },

	{ "no instance", "destroy", "/instance" },
	{ "an instance without a value", "destroy /instance", "/instance" },
	{ "three digits", "destroy /instance ROOT\\SMARTCARDREADER\\000", "/instance" },
	{ "five", "destroy /instance ROOT\\SMARTCARDREADER\\00000", "/instance" },
	{ "a number beyond four digits", "destroy /instance 10000", "/instance" },
	{ "another device", "destroy /instance ROOT\\NET\\0000", "/instance" },
	{ "half an ID", "destroy /instance ROOT\\SMARTCARDREADER\\", "/instance" },
	{ "no number", "destroy /instance first", "/instance" },
	{ "a negative one", "destroy /instance -1", "/instance" },
	{ "something behind it", "destroy /instance 0x", "/instance" },
	{ "two instances", "destroy /instance 0 /instance 1", "/instance" },
	{ "an instance as a word", "destroy 0", "word 2" },
	{ "a configuration without a value", "list --config", "--config" },
	{ "an empty one", "list --config=", "--config" },

	{ "no host", "list /machine", "/machine" },
	{ "an empty one", "list --machine=", "--machine" },
	{ "an option for ssh", "list /machine -oProxyCommand=x", "/machine" },
	{ "attached", "list --machine=-oProxyCommand=x", "--machine" },
	{ "a space", "list /machine a~b", "/machine" },
	{ "a control character", "list /machine a\x1b[31m", "/machine" },
	{ "beyond ASCII", "list /machine b\xc3\xbcro", "/machine" },
	{ "an option behind the user", "list /machine root@-oProxyCommand=x", "/machine" },
	{ "a user that is an option", "list /machine -l@pc7", "/machine" },
	{ "a command for somebody's ProxyCommand", "list /machine a;id", "/machine" },
	{ "in backquotes", "list /machine `id`", "/machine" },
	{ "of the user", "list /machine a|id@pc7", "/machine" },
	{ "no user", "list /machine @pc7", "/machine" },
	{ "no host behind the user", "list /machine root@", "/machine" },
	{ "two hosts", "list /machine a /machine b", "/machine" },
	{ "enrolling elsewhere", "enroll -i 0 /machine a", "/machine" },
	{ "a PIN elsewhere", "change-pin -i 0 /machine a", "/machine" },
	{ "the desk elsewhere", "respond --record /r /machine a", "/machine" },
	{ "a challenge elsewhere", "unblock -i 0 --challenge /machine a", "--challenge" },
	{ "a record elsewhere", "create -n x --record /r /machine a", "--record" },
	{ "nor show's", "show -i 0 --record /r /machine a", "--record" },
	{ "more words than are sent", "doctor /machine a -q -q -q -q -q -q -q -q -q -q -q -q -q -q -q -q -q -q -q -q -q -q -q -q -q -q -q -q -q -q -q -q -q -q -q -q -q -q -q -q -q -q -q -q -q -q -q -q -q -q -q -q -q -q -q -q -q -q -q -q -q", "/machine" },
	{ "the far side has no command", "--stdio list", "--stdio" },
	{ "nor has a command a far side", "list --stdio", "--stdio" },

	{ "a file and DEFAULT", "create -n x /PIN DEFAULT --pin-file /p", "--pin-file" },
	{ "for the PUK", "create -n x --puk-file /p /PUK DEFAULT", "--puk-file" },
	{ "for the key", "create -n x /AdminKey DEFAULT --admin-key-file /p", "--admin-key-file" },
	{ "a file and RANDOM", "create -n x /AdminKey RANDOM --admin-key-file /p", "--admin-key-file" },
	{ "a file without a name", "create -n x --pin-file=", "--pin-file" },
	{ "a file twice", "create -n x --pin-file /a --pin-file /b", "--pin-file" },
	{ "nothing new in create", "create -n x --new-pin-file /a", "--new-pin-file" },
	{ "a PUK's file, and the key", "unblock -i 0 /AdminKey --puk-file /p", "--puk-file" },
	{ "a key's, and the PUK", "unblock -i 0 /PUK --admin-key-file /p", "--admin-key-file" },
	{ "both files", "unblock -i 0 --puk-file /p --admin-key-file /k", "--admin-key-file" },
	{ "a key's, and the desk", "unblock -i 0 --challenge --admin-key-file /p", "--admin-key-file" },
	{ "a new key's file and RANDOM", "change-admin-key -i 0 /AdminKey RANDOM --new-admin-key-file /p", "--new-admin-key-file" },

	{ "two ways", "unblock -i 0 /PUK /AdminKey", "one of them" },
	{ "the same way twice", "unblock -i 0 /PUK /PUK", "one of them" },
	{ "unblock what", "unblock /PUK", "/instance" },
	{ "a PUK on the line", "unblock -i 0 /PUK 12345678", "word 5" },
	{ "no time", "unblock -i 0 --challenge --wait 0", "--wait" },
	{ "more than a day", "unblock -i 0 --challenge --wait 1441", "--wait" },
	{ "a desk without a record", "respond", "--record" },
	{ "a challenge of nothing", "respond --record /r --challenge=", "--challenge" },
	{ "whose PIN", "change-pin", "/instance" },
	{ "whose PUK", "change-puk", "/instance" },
	{ "whose key", "change-admin-key", "/instance" },
	{ "AES256 has no default to change to", "change-admin-key -i 0 /AdminKey DEFAULT --admin-algorithm AES256", "/AdminKey" },
	{ "a PIN on the line is no file's name", "change-pin -i 0 /PIN 12345678", "/PIN" },
	{ "nor cut short by one letter", "change-pin -i 0 --pin-fil /p", "--pin-fil" },
	{ "enroll whom", "enroll --slot 9a --subject CN=A", "/instance" },
	{ "enroll where", "enroll -i 0 --subject CN=A", "--slot" },
	{ "no such slot", "enroll -i 0 --slot 9b --subject CN=A", "--slot" },
	{ "a retired one", "enroll -i 0 --slot 82 --subject CN=A", "--slot" },
	{ "enroll as whom", "enroll -i 0 --slot 9a", "--subject" },
	{ "install and make", "enroll -i 0 --slot 9a --install c --subject CN=A", "--install" },
	{ "install and sign", "enroll -i 0 --slot 9a --install c --self-signed", "--install" },
	{ "no such algorithm", "enroll -i 0 --slot 9a --subject CN=A --algorithm RSA1024", "--algorithm" },
	{ "no such rule", "enroll -i 0 --slot 9a --subject CN=A --pin-rule SOMETIMES", "--pin-rule" },
	{ "no days", "enroll -i 0 --slot 9a --subject CN=A --days 0", "--days" },
	{ "a century and more", "enroll -i 0 --slot 9a --subject CN=A --days 36501", "--days" },
	{ "ambiguous: --al", "enroll -i 0 --slot 9a --subject CN=A --al x", "--al" },
	{ "seventeen names", "enroll -i 0 --alt-name a --alt-name a --alt-name a --alt-name a --alt-name a --alt-name a --alt-name a --alt-name a --alt-name a --alt-name a --alt-name a --alt-name a --alt-name a --alt-name a --alt-name a --alt-name a --alt-name a", "--alt-name" },
	{ "attest what", "attest --slot 9a", "/instance" },
	{ "attest which key", "attest -i 0 --slot 9b", "--slot" },
	{ "before the retired ones", "attest -i 0 --slot 81", "--slot" },
	{ "behind them", "attest -i 0 --slot 96", "--slot" },
	{ "a slot with more behind it", "attest -i 0 --slot 820", "--slot" },
	{ "an empty nonce", "attest -i 0 --nonce=", "--nonce" },
	{ "half an octet", "attest -i 0 --nonce 123", "--nonce" },
	{ "no hexadecimal", "attest -i 0 --nonce 12zz", "--nonce" },
	{ "nor in front", "attest -i 0 --nonce zz12", "--nonce" },
	{ "65 octets", "attest -i 0 --nonce ababababababababababababababababababababababababababababababababababababababababababababababababababababababababababababababababab", "--nonce" },
	{ "a file there", "attest -i 0 /machine a -o x", "--output" },
	{ "a word of attest", "attest -i 0 x", "word 4" },
	{ "verify what", "verify --ca r", "bundle" },
	{ "an empty word to verify", "verify  --ca r", "word 2" },
	{ "two files", "verify a b --ca r", "word 3" },
	{ "no authorities", "verify b", "--ca" },
	{ "none for the EK", "verify b --require pin,ek", "--ca" },
	{ "none for the AK", "verify b --require ak", "--ca" },
	{ "nothing required", "verify b --require=", "--require" },
	{ "something unknown", "verify b --require pin,all", "--require" },
	{ "a comma too many", "verify b --require pin,", "--require" },
	{ "verifying elsewhere", "verify b --ca r /machine a", "/machine" },
	{ "a card to verify", "verify b --ca r -i 0", "-i" },
	{ "a path with = is an option", "verify /ca=x", "bundle" },
	{ "show what", "show --json", "/instance" },
	{ "a doctor of one card", "doctor -i 0", "-i" },
	{ "JSON of a creation", "create -n x --json", "--json" },
};
/* clang-format on */

/* A line cut into words on the heap, each exactly as long as it is. */
struct command_line {
	char *words[WORDS_MAX + 1];
	int count;
};

static void
add_word(struct command_line *l, const char *text, size_t n)
{
	char *word = malloc(n + 1);
	size_t i;

	ck_assert(word != NULL && l->count < WORDS_MAX);
	memcpy(word, text, n);
	word[n] = '\0';
	for (i = 0; i < n; i++) {
		if (word[i] == '~')
			word[i] = ' ';
	}
	l->words[l->count] = word;
	l->count++;
}

static struct command_line
cut(const char *line)
{
	struct command_line l = { .count = 0 };
	size_t n;

	add_word(&l, "tpmvscmgr", 9);
	while (*line != '\0') {
		n = strcspn(line, " ");
		add_word(&l, line, n);
		line += n;
		line += *line == ' ';
	}
	return l;
}

static void
free_words(struct command_line *l)
{
	while (l->count > 0) {
		l->count--;
		free(l->words[l->count]);
	}
}

static bool
same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool
of_one_card(enum verb verb)
{
	static const bool table[VERBS] = {
		[VERB_DESTROY] = true,
		[VERB_SHOW] = true,
		[VERB_ENROLL] = true,
		[VERB_UNBLOCK] = true,
		[VERB_CHANGE_PIN] = true,
		[VERB_CHANGE_PUK] = true,
		[VERB_CHANGE_ADMIN_KEY] = true,
		[VERB_ATTEST] = true,
	};

	return table[verb];
}

static void
compare_rest(const struct row *row, const struct options *o)
{
	const struct want *w = &row->want;
	size_t i;

	ck_assert_msg(same(o->machine, w->machine) && same(o->record, w->record) &&
			  same(o->challenge, w->challenge) && same(o->subject, w->subject),
	    "%s", row->why);
	ck_assert_msg(
	    same(o->output, w->output) && same(o->install, w->install), "%s", row->why);
	ck_assert_msg(o->alt_name_count == (w->alt_name != NULL) &&
			  same(o->alt_names[0], w->alt_name),
	    "%s", row->why);
	for (i = 0; i < SECRET_KINDS; i++)
		ck_assert_msg(same(o->secret_file[i], w->file[i]), "%s", row->why);
	ck_assert_msg(o->implied == w->implied, "%s: %x", row->why, o->implied);
	/* What words stay here matters to /machine alone. */
	if (w->here != 0)
		ck_assert_msg(
		    o->here == w->here, "%s: %llx", row->why, (unsigned long long)o->here);
	ck_assert_msg(o->by == w->by, "%s", row->why);
	ck_assert_msg(o->wait == (w->wait != 0 ? w->wait : 15), "%s", row->why);
	ck_assert_msg(o->days == (w->days != 0 ? w->days : 365), "%s", row->why);
	ck_assert_msg(o->slot == w->slot && o->pin_rule == w->pin_rule, "%s", row->why);
	ck_assert_msg(
	    o->algorithm == (w->algorithm != 0 ? w->algorithm : ALG_ECC_P256), "%s", row->why);
	ck_assert_msg(same(o->input, w->operand) && same(o->ca, w->ca), "%s", row->why);
	ck_assert_msg(o->nonce_len == w->nonce_len && o->request == w->request, "%s", row->why);
	ck_assert_msg(same(o->acme, w->acme) && same(o->webauthn, w->webauthn), "%s", row->why);
	ck_assert_msg(
	    o->required == (w->required != 0 ? w->required : REQUIRE_USUAL), "%s", row->why);
}

START_TEST(accepted)
{
	const struct row *row = &good[_i];
	const struct want *w = &row->want;
	struct command_line l = cut(row->line);
	struct failure why = { .text = "" };
	struct options o;

	ck_assert_msg(
	    options_parse(l.count, l.words, &o, &why) == DONE, "%s: %s", row->why, why.text);
	ck_assert_msg(o.verb == w->verb, "%s", row->why);
	ck_assert_msg(o.help == w->help && o.version == w->version, "%s", row->why);
	ck_assert_msg(o.quiet == w->quiet && o.verbose == w->verbose, "%s", row->why);
	ck_assert_msg(same(o.config, w->config) && same(o.name, w->name), "%s", row->why);
	ck_assert_msg(
	    o.admin_key == w->admin_key && o.pin == w->pin && o.puk == w->puk, "%s", row->why);
	ck_assert_msg(o.admin_algorithm == (w->admin_algorithm != 0 || w->verb != VERB_CREATE || w->help
						   ? w->admin_algorithm
						   : ALG_3DES),
	    "%s", row->why);
	ck_assert_msg(o.admin_unblock == !w->admin_stays_out, "%s", row->why);
	ck_assert_msg(o.pin_tries == (w->pin_tries != 0 ? w->pin_tries : 5), "%s", row->why);
	ck_assert_msg(o.puk_tries == (w->puk_tries != 0 ? w->puk_tries : 5), "%s", row->why);
	ck_assert_msg(o.allow_reset == w->allow_reset, "%s", row->why);
	ck_assert_msg(o.generate == w->generate && o.has_policy == w->has_policy, "%s", row->why);
	ck_assert_msg(o.policy.min == (w->min != 0 ? w->min : 8), "%s", row->why);
	ck_assert_msg(o.policy.max == (w->max != 0 ? w->max : 127), "%s", row->why);
	ck_assert_msg(memcmp(o.policy.rules, w->rules, sizeof w->rules) == 0, "%s", row->why);
	ck_assert_msg(o.policy.printable == w->has_policy, "%s", row->why);
	ck_assert_msg(o.instance == w->instance, "%s", row->why);
	ck_assert_msg(o.has_instance == (of_one_card(w->verb) && !w->help), "%s", row->why);
	ck_assert_msg(o.json == w->json && o.stdio == w->stdio && o.if_absent == w->if_absent &&
			  o.no_qr == w->no_qr && o.self_signed == w->self_signed &&
			  o.no_history == w->no_history,
	    "%s", row->why);
	compare_rest(row, &o);
	ck_assert_msg(!failed(&why), "%s: %s", row->why, why.text);
	free_words(&l);
}
END_TEST

START_TEST(refused)
{
	const struct bad_row *row = &bad[_i];
	struct command_line l = cut(row->line);
	struct failure why = { .text = "" };
	struct options o;
	const char *c;

	ck_assert_msg(options_parse(l.count, l.words, &o, &why) == WRONG_USAGE, "%s", row->why);
	ck_assert_msg(strstr(why.text, row->named) != NULL, "%s: %s", row->why, why.text);
	ck_assert_msg(failed(&why), "%s", row->why);
	for (c = why.text; *c != '\0'; c++)
		ck_assert_msg(*c >= 0x20 && *c <= 0x7e, "%s: a control character", row->why);
	/* What may be a secret in the wrong place is not repeated. */
	ck_assert_msg(strstr(why.text, "12345678") == NULL && strstr(why.text, "0102") == NULL,
	    "%s", why.text);
	free_words(&l);
}
END_TEST

/* A word for a terminal's eyes: cut, and harmless. */
START_TEST(hostile_word)
{
	char word[600] = "/\x1b]0;pwned\a";
	char *const argv[] = { word, word, NULL };
	struct failure why = { .text = "" };
	struct options o;

	memset(word + 11, 'x', sizeof word - 12);
	ck_assert_int_eq(options_parse(2, argv, &o, &why), WRONG_USAGE);
	ck_assert_ptr_null(strchr(why.text, '\x1b'));
	ck_assert_uint_lt(strlen(why.text), 120);
}
END_TEST

/* Every cut and every doubled word of the good lines: no crash, and an answer of one of two kinds.
 */
START_TEST(mangled)
{
	struct command_line l = cut(good[_i].line);
	struct failure why;
	struct options o;
	enum outcome outcome;
	char *words[WORDS_MAX * 2];
	int cut_at, i, n;

	for (cut_at = 1; cut_at <= l.count; cut_at++) {
		why = (struct failure){ .text = "" };
		outcome = options_parse(cut_at, l.words, &o, &why);
		ck_assert(outcome == DONE || outcome == WRONG_USAGE);
		ck_assert(failed(&why) == (outcome == WRONG_USAGE));
		n = 0;
		for (i = 0; i < l.count; i++) {
			words[n] = l.words[i];
			n++;
			if (i == cut_at - 1) {
				words[n] = l.words[i];
				n++;
			}
		}
		why = (struct failure){ .text = "" };
		outcome = options_parse(n, words, &o, &why);
		ck_assert(failed(&why) == (outcome == WRONG_USAGE));
	}
	free_words(&l);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("options");
	TCase *tcase = tcase_create("command lines");

	tcase_add_rows(tcase, accepted, good);
	tcase_add_rows(tcase, refused, bad);
	tcase_add_test(tcase, hostile_word);
	tcase_add_rows(tcase, mangled, good);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
