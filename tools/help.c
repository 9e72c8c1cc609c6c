/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/commands.h"

static const char general[] =
    "Usage: tpmvscmgr COMMAND [options]\n"
    "\n"
    "Makes, unmakes and looks after TPM virtual smart cards.\n"
    "\n"
    "  create            make a card; prints its instance ID\n"
    "  destroy           erase a card\n"
    "  list              the cards here, a line for each\n"
    "  show              all there is to say of one card\n"
    "  enroll            make a key and a certificate request; put a certificate in\n"
    "  unblock           set a new PIN: by PUK, administrator key, or a help desk\n"
    "  respond           at the help desk: answer what unblock --challenge printed\n"
    "  ca-respond        at an attestation CA: answer a request that attest wrote\n"
    "  change-pin        a new PIN for the old one\n"
    "  change-puk        a new PUK for the old one\n"
    "  change-admin-key  a new administrator key for the old one\n"
    "  attest            evidence of where a card's keys are, and of its PIN's rules\n"
    "  verify            check evidence: no TPM, no card, no configuration needed\n"
    "  doctor            check TPM, pcscd, permissions, configuration and cards\n"
    "  repair            end what an interrupted run left\n"
    "\n"
    "\"tpmvscmgr COMMAND /?\" tells more.  Every option can be written /option VALUE,\n"
    "in any case and shortened, or --option VALUE or --option=VALUE.  ID is what\n"
    "create printed, such as ROOT\\SMARTCARDREADER\\0000, or the number at its end.\n"
    "\n"
    "  --config, -c FILE  use FILE instead of " TPMVSC_CONF "\n"
    "  /quiet, -q         no progress; errors still\n"
    "  --verbose, -v      all that the log would get, on standard error\n"
    "  --version, -V      print the version\n"
    "  /?, --help, -h     print this\n"
    "  --stdio            instead of a command: be the far side of /machine\n"
    "\n"
    "Exit status: 0 done; 1 failed; 2 wrong usage; 3 no such card; 4 the TPM cannot\n"
    "be used; 5 not permitted; 6 a secret is wrong or breaks the policy; 7 no room.\n";

static const char create[] =
    "Usage: tpmvscmgr create /name NAME [/AdminKey DEFAULT|PROMPT|RANDOM]\n"
    "           [/PIN DEFAULT|PROMPT] [/PUK DEFAULT|PROMPT] [/generate]\n"
    "           [/pinpolicy RULE VALUE ...] [/machine HOST] [/quiet] [/?] [more]\n"
    "\n"
    "Makes a card and prints its instance ID.\n"
    "\n"
    "  /name, -n NAME      the card's name: 1 to 64 printable characters\n"
    "  /AdminKey DEFAULT   010203040506070801020304050607080102030405060708\n"
    "            PROMPT    ask for it, in hexadecimal\n"
    "            RANDOM    made at random, never shown; serves after the PIN only\n"
    "  /PIN DEFAULT        12345678\n"
    "       PROMPT         ask for it: 8 to 127 ASCII characters\n"
    "  /PUK DEFAULT        12345678\n"
    "       PROMPT         ask for it; without /PUK the card has none\n"
    "  /generate, -g       write the card's file system, so that it can be enrolled\n"
    "  /pinpolicy          with /PIN PROMPT, any of: minlen N, maxlen N, and\n"
    "                      uppercase, lowercase, digits, specialchars, each with\n"
    "                      ALLOWED, DISALLOWED or REQUIRED behind it; also\n"
    "                      minlen=N,digits=REQUIRED,...\n"
    "  /machine HOST       do it there, over ssh\n"
    "  /attestation AIK_ONLY\n"
    "                      an attestation key, too: see attest\n"
    "       AIK_AND_CERT   and a certificate for it, from the attestation CA that\n"
    "                      tpmvsc.conf names; without one no card is made\n"
    "\n"
    "  --admin-algorithm   3DES (the default), AES128, AES192 or AES256\n"
    "  --admin-unblock     whether the administrator key may reset the PIN (yes)\n"
    "  --pin-tries N, --puk-tries N\n"
    "                      wrong tries until it is blocked: 1 to 10 (5)\n"
    "  --allow-reset       once PIN and PUK are blocked, whoever may talk to the card\n"
    "                      may empty it and start over with the default secrets\n"
    "  --if-absent         if a card of that name is there, print its ID and no more\n"
    "  --record FILE       write the card's record to FILE, for a help desk\n"
    "  --admin-key-file FILE, --pin-file FILE, --puk-file FILE\n"
    "                      take what is prompted for from FILE; - is standard input\n"
    "\n"
    "What is prompted for is read from the terminal, or, when standard input is none,\n"
    "from its lines in the order administrator key, PIN, PUK.\n";

static const char destroy[] =
    "Usage: tpmvscmgr destroy /instance ID [/machine HOST] [/quiet] [/?]\n"
    "\n"
    "Erases a card from the TPM and from the disk.  It cannot be recovered.\n"
    "\n"
    "  /instance, -i ID    what create printed, such as ROOT\\SMARTCARDREADER\\0000, or\n"
    "                      the number at its end\n"
    "  /machine HOST       do it there, over ssh\n";

static const char list[] =
    "Usage: tpmvscmgr list [--json] [/machine HOST] [/quiet] [/?]\n"
    "\n"
    "Lists the cards: instance ID, reader, state, tries left for PIN and PUK, keys\n"
    "and their algorithms, name.\n"
    "\n"
    "  --json, -j          for programs\n"
    "  /machine HOST       do it there, over ssh\n";

static const char show[] =
    "Usage: tpmvscmgr show /instance ID [--json] [--record FILE] [/machine HOST] [/?]\n"
    "\n"
    "Shows all there is to say of one card: state, reader, serial number, TPM, tries\n"
    "left, PIN policy, keys, certificates.\n"
    "\n"
    "  /instance, -i ID    the card\n"
    "  --json, -j          for programs\n"
    "  --record FILE       write the card's record to FILE, for a help desk\n"
    "  /machine HOST       do it there, over ssh\n";

static const char enroll[] =
    "Usage: tpmvscmgr enroll /instance ID --slot SLOT --subject NAME [options]\n"
    "       tpmvscmgr enroll /instance ID --slot SLOT --install FILE\n"
    "\n"
    "Makes a key in the TPM, and a certificate request for it on standard output;\n"
    "then puts the certificate that was issued on the card.\n"
    "\n"
    "  /instance, -i ID    the card\n"
    "  --slot, -s SLOT     9A (login), 9C (signatures), 9D (decryption), 9E (no PIN)\n"
    "  --subject NAME      such as CN=Alice,O=Example\n"
    "  --alt-name NAME     email:ADDRESS, dns:HOST, upn:USER@REALM or uri:URI; up to\n"
    "                      16 times\n"
    "  --algorithm, -a     ECCP256 (the default), ECCP384, RSA2048, RSA3072, RSA4096\n"
    "  --pin-rule          the key asks for the PIN ONCE, ALWAYS or NEVER; left out,\n"
    "                      as is usual in the slot\n"
    "  --self-signed       a certificate signed by the key itself, put on the card\n"
    "  --days N            how long that is good: 365 if left out\n"
    "  --output, -o FILE   where request or certificate goes: standard output\n"
    "  --install FILE      put the certificate in FILE on the card, and no more\n"
    "  --no-history        destroy the slot's old key and certificate; else they stay\n"
    "                      on the card as a retired key (82 to 95)\n"
    "  --admin-key-file FILE, --pin-file FILE\n"
    "                      take the secret from FILE; - is standard input\n"
    "\n"
    "Asks for the administrator key, unless it is the default or a RANDOM one, and\n"
    "the PIN, unless nothing wants it.\n";

static const char unblock[] =
    "Usage: tpmvscmgr unblock /instance ID [/PUK | /AdminKey | --challenge] [options]\n"
    "\n"
    "Sets a new PIN, and gives it its tries back.\n"
    "\n"
    "  /instance, -i ID    the card\n"
    "  /PUK                by the PUK: so if none of the three is given\n"
    "  /AdminKey           by the administrator key, typed here\n"
    "  --challenge         by a help desk: prints a challenge, waits for the response\n"
    "  --wait MINUTES      how long, 1 to 1440: 15 if left out\n"
    "  --no-qr             the challenge as text only, without a QR code\n"
    "  --admin-key-file FILE, --puk-file FILE, --new-pin-file FILE\n"
    "                      take the secret from FILE; - is standard input\n"
    "  /machine HOST       do it there, over ssh\n";

static const char respond[] =
    "Usage: tpmvscmgr respond --record FILE [--challenge TEXT] [options]\n"
    "\n"
    "At the help desk: shows what a challenge asks for, and turns it and the\n"
    "administrator key into the response.\n"
    "\n"
    "  --record FILE       the card's record: create or show --record wrote it\n"
    "  --challenge TEXT    what unblock --challenge printed; left out, asked for\n"
    "  --no-qr             the response as text only, without a QR code\n"
    "  --admin-key-file FILE\n"
    "                      take the administrator key from FILE; - is standard input\n";

static const char ca_respond[] =
    "Usage: tpmvscmgr ca-respond FILE --ca-cert FILE --ca-key FILE --ek-roots FILE\n"
    "           [--days N] [--output FILE] [--https]\n"
    "\n"
    "At an attestation CA: checks a request that attest wrote, and makes a\n"
    "certificate for the card's attestation key, which only the TPM that has both\n"
    "that key and the endorsement key can read.  Needs no TPM, no card, not root.\n"
    "\n"
    "  FILE                the request; - is standard input\n"
    "  --ca-cert FILE      the CA's certificate (PEM), and those above it\n"
    "  --ca-key FILE       its key (PEM, no password), in a file nobody else may open\n"
    "  --ek-roots FILE     the certificates (PEM) that EK certificates must lead to\n"
    "  --days N            how long the certificate is good: 365 if left out\n"
    "  --output, -o FILE   where the response goes: standard output\n"
    "  --https             the request is what came in over HTTPS: for attestation-ca\n";

static const char change_pin[] =
    "Usage: tpmvscmgr change-pin /instance ID [options]\n"
    "\n"
    "Asks for the card's PIN and for a new one, and changes it.\n"
    "\n"
    "  /instance, -i ID    the card\n"
    "  --pin-file FILE, --new-pin-file FILE\n"
    "                      take the secret from FILE; - is standard input\n";

static const char change_puk[] =
    "Usage: tpmvscmgr change-puk /instance ID [options]\n"
    "\n"
    "Asks for the card's PUK and for a new one, and changes it.\n"
    "\n"
    "  /instance, -i ID    the card\n"
    "  --puk-file FILE, --new-puk-file FILE\n"
    "                      take the secret from FILE; - is standard input\n";

static const char change_admin_key[] =
    "Usage: tpmvscmgr change-admin-key /instance ID [/AdminKey DEFAULT|PROMPT|RANDOM]\n"
    "           [--admin-algorithm ALGORITHM] [options]\n"
    "\n"
    "Asks for the card's administrator key, or for the PIN where that is RANDOM, and\n"
    "changes it.\n"
    "\n"
    "  /instance, -i ID    the card\n"
    "  /AdminKey DEFAULT   the new one is the default key\n"
    "            PROMPT    ask for the new one: so if left out\n"
    "            RANDOM    another one made at random, where it was so before\n"
    "  --admin-algorithm   of the new key: 3DES, AES128, AES192 or AES256; as before\n"
    "                      if left out\n"
    "  --admin-key-file FILE, --new-admin-key-file FILE, --pin-file FILE\n"
    "                      take the secret from FILE; - is standard input\n";

static const char attest[] =
    "Usage: tpmvscmgr attest /instance ID [--slot SLOT] [--nonce HEX] [--output FILE]\n"
    "           [/machine HOST] [/?]\n"
    "       tpmvscmgr attest /instance ID --request [--output FILE] [/machine HOST]\n"
    "       tpmvscmgr attest /instance ID --install FILE\n"
    "       tpmvscmgr attest /instance ID --slot SLOT --acme AUTHORIZATION\n"
    "       tpmvscmgr attest /instance ID --slot SLOT --webauthn RP-ID\n"
    "           --client-data-hash HEX\n"
    "\n"
    "Has the TPM certify the card's keys, its PIN's limit and policy, and who may\n"
    "reset it.  No PIN is needed.  \"tpmvscmgr verify\" checks it, anywhere.\n"
    "\n"
    "  /instance, -i ID    the card\n"
    "  --slot, -s SLOT     one key only: 9A, 9C, 9D, 9E or 82 to 95; all if left out\n"
    "  --nonce HEX         1 to 64 octets of the verifier's, against old evidence\n"
    "  --acme AUTHORIZATION\n"
    "                      instead, an object for ACME's device-attest-01, for\n"
    "                      the key authorization TOKEN.THUMBPRINT\n"
    "  --webauthn RP-ID    instead, an attestation object of WebAuthn\n"
    "  --client-data-hash HEX\n"
    "                      for it: SHA-256 of the client data\n"
    "  --request           instead, a request to an attestation CA (ca-respond) for a\n"
    "                      certificate for the card's attestation key\n"
    "  --install FILE      put the certificate in the CA's response on the card\n"
    "  --output, -o FILE   where it goes: standard output if left out\n"
    "  /machine HOST       do it there, over ssh; with standard output only\n";

static const char verify[] =
    "Usage: tpmvscmgr verify FILE [--ca FILE] [--nonce HEX] [--require LIST] [--json]\n"
    "           [/quiet] [/?]\n"
    "\n"
    "Checks what attest wrote (- is standard input), and says what is proven, and\n"
    "what not.  Exit status 0 only if nothing is wrong and what is required holds.\n"
    "\n"
    "  --ca FILE           who is trusted, in PEM: TPM makers and attestation CAs\n"
    "  --nonce HEX         what was given to attest --nonce\n"
    "  --require LIST      what must hold, with commas between.  If left out:\n"
    "                      ek,ak,pin,keys,generated\n"
    "      ek              a TPM's EK, by its maker's certificate\n"
    "      ak              the card's AK is in a TPM, by an authority's certificate;\n"
    "                      with ek: in that EK's TPM\n"
    "      pin             the PIN's limit and policy, and those of what resets it\n"
    "      keys            keys, each with its origin and policy\n"
    "      generated       none that was imported\n"
    "      pin-once        none that asks for no PIN\n"
    "      pin-always      each asks for the PIN each time\n"
    "      certificates    each has a certificate on the card\n"
    "  --json, -j          for programs\n";

static const char doctor[] =
    "Usage: tpmvscmgr doctor [--json] [/machine HOST] [/?]\n"
    "\n"
    "Checks TPM, pcscd, permissions, configuration and each card, and says what to do\n"
    "about what is wrong.  Exit status 0 only if all is well; --quiet leaves out what\n"
    "is well.\n"
    "\n"
    "  --json, -j          for programs\n"
    "  /machine HOST       do it there, over ssh\n";

static const char repair[] =
    "Usage: tpmvscmgr repair [--json] [/machine HOST] [/?]\n"
    "\n"
    "Finishes or undoes what an interrupted run left, as every create and destroy\n"
    "does, and tells what that was.\n"
    "\n"
    "  --json, -j          for programs\n"
    "  /machine HOST       do it there, over ssh\n";

/* clang-format off */
static const char *const texts[VERBS] = {
	[VERB_NONE] = general,
	[VERB_CREATE] = create,
	[VERB_DESTROY] = destroy,
	[VERB_LIST] = list,
	[VERB_SHOW] = show,
	[VERB_ENROLL] = enroll,
	[VERB_UNBLOCK] = unblock,
	[VERB_RESPOND] = respond,
	[VERB_CA_RESPOND] = ca_respond,
	[VERB_CHANGE_PIN] = change_pin,
	[VERB_CHANGE_PUK] = change_puk,
	[VERB_CHANGE_ADMIN_KEY] = change_admin_key,
	[VERB_ATTEST] = attest,
	[VERB_VERIFY] = verify,
	[VERB_DOCTOR] = doctor,
	[VERB_REPAIR] = repair,
};
/* clang-format on */

const char *
help_text(enum verb verb)
{
	return texts[verb] != NULL ? texts[verb] : general;
}
