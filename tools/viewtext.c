/* SPDX-License-Identifier: BSD-2-Clause */
/* A card on a screen. */
#include "base/text.h"
#include "tools/certificate.h"
#include "tools/names.h"
#include "tools/view.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#define LINE_MAX_OCTETS 1536

/* One line: what it is about, and words. */
static void line(const char *what, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void
line(const char *what, const char *format, ...)
{
	char text[LINE_MAX_OCTETS];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof text, format, args);
	va_end(args);
	(void)printf("  %-14s %s\n", what, text);
}

/* Why something is not on the screen. */
static const char *
not_seen(const struct view *v)
{
	return v->has_record || failed(&v->card_problem) ? "unknown" : "(only root sees this)";
}

static void
print_head(const struct view *v)
{
	static const char *const seen[] = {
		[READER_THERE] = "",
		[READER_MISSING] =
		    "; pcscd does not show it: restart pcscd when no smart card is in use",
		[READER_UNKNOWN] = "; pcscd is not running",
	};
	const char *title = view_name(v);
	char name[64] = "";
	struct wbuf out = wbuf_over(name, sizeof name - 1);

	instance_words(v->instance, &out);
	(void)printf("%s%s%s\n", name, title != NULL ? "  " : "", title != NULL ? title : "");
	line("State", "%s",
	    state_name(v->has_record || v->has_card, &v->record.problem, view_pin_left(v)));
	if (!v->has_record && !v->has_card)
		line("", "%s", v->record_problem.text);
	if (failed(&v->record.problem))
		line("", "%s", v->record.problem.text);
	line("Reader", READER_NAME " 00 %02X%s", v->instance, seen[v->reader]);
}

static void
print_guid(const char *what, const uint8_t guid[16])
{
	char text[40] = "";
	struct wbuf out = wbuf_over(text, sizeof text - 1);

	text_guid(guid, &out);
	line(what, "%s", text);
}

static void
print_identity(const struct view *v)
{
	if (v->has_record)
		print_guid("GUID", v->record.guid);
	if (v->has_chuid_guid &&
	    (!v->has_record || !rbuf_eq(rbuf_of(v->chuid_guid, sizeof v->chuid_guid),
				   rbuf_of(v->record.guid, sizeof v->record.guid))))
		print_guid(v->has_record ? "GUID in CHUID" : "GUID", v->chuid_guid);
	if (v->has_serial)
		line("Serial number", "%lu", (unsigned long)v->serial);
}

static void
print_tries(const char *what, int left, unsigned limit, const struct metadata *m)
{
	const char *known =
	    m->is_default ? "; the default one, which everybody knows: change it" : "";

	if (left < 0)
		line(what, "tries left: unknown%s", known);
	else if (left == 0)
		line(what, "blocked, after %u wrong tries%s", limit, known);
	else
		line(what, "%d of %u tries left%s", left, limit, known);
}

static void
print_secrets(const struct view *v)
{
	char text[256] = "";
	struct wbuf out = wbuf_over(text, sizeof text - 1);
	const unsigned pin_limit = v->has_record ? v->record.pin_limit : v->pin.tries_limit;
	const unsigned puk_limit = v->has_record ? v->record.puk_limit : v->puk.tries_limit;

	print_tries("PIN", view_pin_left(v), pin_limit, &v->pin);
	if (puk_limit != 0)
		print_tries("PUK", view_puk_left(v), puk_limit, &v->puk);
	else
		line("PUK", "%s", v->has_record || v->puk.there ? "none" : "unknown");
	if (v->has_record)
		policy_words(&v->record.policy, &out);
	line("PIN policy", "%s", v->has_record ? text : not_seen(v));
}

static void
print_admin(const struct view *v)
{
	const uint8_t algorithm =
	    v->has_record ? v->record.admin_algorithm : v->management.algorithm;

	if (algorithm == 0)
		line("Admin key", "unknown");
	else
		line("Admin key", "%s%s%s", algorithm_name(algorithm),
		    v->management.is_default ? "; the default one, which everybody knows: change it"
					     : "",
		    v->has_record && v->record.admin_random
			? "; random, it serves after the PIN only"
			: "");
	if (!v->has_record)
		return;
	line("", "it may %sunblock the PIN", v->record.admin_unblocks ? "" : "not ");
	if (view_root_administers(v))
		line("", "root on this machine can act as administrator, and so unblock the PIN");
	line("Reset", "%s",
	    v->record.allow_reset ? "allowed, once PIN and PUK are blocked" : "not allowed");
}

static void
print_tpm(const struct view *v)
{
	const struct tpm_facts *t = &v->tpm;

	if (!v->has_tpm) {
		line("TPM", "%s", failed(&v->tpm_problem) ? v->tpm_problem.text : not_seen(v));
		return;
	}
	line("TPM", "%s %s, firmware %lu.%lu.%lu.%lu, specification %u.%02u", t->manufacturer,
	    t->model, (unsigned long)(t->firmware[0] >> 16),
	    (unsigned long)(t->firmware[0] & 0xffff), (unsigned long)(t->firmware[1] >> 16),
	    (unsigned long)(t->firmware[1] & 0xffff), t->revision / 100, t->revision % 100);
}

static void
print_key(const struct view_slot *slot)
{
	const struct metadata *key = &slot->key;

	if (!key->there) {
		(void)printf("    %02X  a certificate without a key\n", slot->reference);
		return;
	}
	(void)printf("    %02X  %-8s  %-9s  PIN %s%s\n", slot->reference,
	    algorithm_name(key->algorithm), origin_name(key->origin), pin_rule_name(key->pin),
	    key->pin == pin_rule_default(slot->reference)
		? ""
		: " (not the usual rule of this key reference)");
}

static void
print_certificate(X509 *certificate, time_t now)
{
	struct certificate_facts f;
	char words[64] = "";
	struct wbuf out = wbuf_over(words, sizeof words - 1);

	certificate_read(certificate, now, &f);
	if (f.state == CERTIFICATE_VALID)
		put_words(&out, "%d %s left", f.days_left, f.days_left == 1 ? "day" : "days");
	else
		put_words(&out, "%s", f.state == CERTIFICATE_EARLY ? "NOT YET VALID" : "EXPIRED");
	(void)printf(
	    "        subject  %s\n        issuer   %s\n        valid    %.10s to %.10s, %s\n",
	    f.subject, f.issuer, f.from, f.until, words);
}

void
view_print(const struct view *v)
{
	const time_t now = time(NULL);
	size_t i;

	print_head(v);
	print_identity(v);
	print_secrets(v);
	print_admin(v);
	print_tpm(v);
	if (!v->has_card || v->slot_count == 0)
		line("Keys", "%s", v->has_card ? "none" : v->card_problem.text);
	else
		(void)printf("  Keys\n");
	for (i = 0; i < v->slot_count; i++) {
		print_key(&v->slots[i]);
		if (v->slots[i].certificate != NULL)
			print_certificate(v->slots[i].certificate, now);
	}
	if (v->has_attestation)
		line("Attestation", "%s", v->attestation.there ? "the card has a key for it" :
			"no key for it (tpmvscmgr attest makes one)");
	if (v->has_card && failed(&v->card_problem))
		line("Trouble", "%s", v->card_problem.text);
}
