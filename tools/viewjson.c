/* SPDX-License-Identifier: BSD-2-Clause */
/* A card for programs. */
#include "tools/certificate.h"
#include "tools/json.h"
#include "tools/names.h"
#include "tools/view.h"

#include <stdlib.h>
#include <time.h>

/* More than any certificate that fits a card. */
#define PEM_MAX 8192

static void
put_tries(struct json *j, int left, unsigned limit)
{
	if (left >= 0)
		json_put_number(j, "tries_left", left);
	else
		json_put_null(j, "tries_left");
	if (limit != 0)
		json_put_number(j, "tries_limit", limit);
	else
		json_put_null(j, "tries_limit");
}

static void
put_default(struct json *j, const struct metadata *m)
{
	if (m->there)
		json_put_bool(j, "default", m->is_default);
	else
		json_put_null(j, "default");
}

static void
put_policy(struct json *j, const struct pin_policy *policy)
{
	unsigned class;

	json_open_object(j, "policy");
	json_put_number(j, "minlen", policy->min);
	json_put_number(j, "maxlen", policy->max);
	for (class = 0; class < PIN_CLASSES; class ++)
		json_put_text(j, pin_class_name(class), class_rule_name(policy->rules[class]));
	json_put_bool(j, "printable_only", policy->printable);
	json_close(j);
}

static void
put_pin(struct json *j, const struct view *v)
{
	json_open_object(j, "pin");
	put_tries(j, view_pin_left(v), v->has_record ? v->record.pin_limit : v->pin.tries_limit);
	put_default(j, &v->pin);
	if (v->has_record)
		put_policy(j, &v->record.policy);
	else
		json_put_null(j, "policy");
	json_close(j);
}

static void
put_puk(struct json *j, const struct view *v)
{
	const unsigned limit = v->has_record ? v->record.puk_limit : v->puk.tries_limit;

	json_open_object(j, "puk");
	if (v->has_record || v->puk.there)
		json_put_bool(j, "present", limit != 0);
	else
		json_put_null(j, "present");
	put_tries(j, limit != 0 ? view_puk_left(v) : -1, limit);
	put_default(j, &v->puk);
	json_close(j);
}

/* A member that the record tells. */
static void
put_recorded(struct json *j, const char *name, const struct view *v, bool yes)
{
	if (v->has_record)
		json_put_bool(j, name, yes);
	else
		json_put_null(j, name);
}

static void
put_admin(struct json *j, const struct view *v)
{
	const uint8_t algorithm =
	    v->has_record ? v->record.admin_algorithm : v->management.algorithm;

	json_open_object(j, "admin_key");
	json_put_text(j, "algorithm", algorithm != 0 ? algorithm_name(algorithm) : NULL);
	put_default(j, &v->management);
	put_recorded(j, "random", v, v->record.admin_random);
	put_recorded(j, "may_unblock", v, v->record.admin_unblocks);
	put_recorded(j, "root_can_administer", v, view_root_administers(v));
	json_close(j);
}

static void
put_key(struct json *j, const struct view_slot *slot)
{
	json_open_object(j, NULL);
	json_put_octets(j, "reference", rbuf_of(&slot->reference, 1));
	json_put_text(j, "algorithm", algorithm_name(slot->key.algorithm));
	json_put_text(j, "origin", origin_name(slot->key.origin));
	json_put_text(j, "pin_rule", pin_rule_name(slot->key.pin));
	json_put_bool(j, "usual_pin_rule", slot->key.pin == pin_rule_default(slot->reference));
	json_close(j);
}

static void
put_pem(struct json *j, X509 *certificate)
{
	char *text = malloc(PEM_MAX + 1);
	struct wbuf out;

	if (text != NULL) {
		out = wbuf_over(text, PEM_MAX);
		if (certificate_pem(certificate, &out))
			text[out.len] = '\0';
		else
			text[0] = '\0';
	}
	json_put_text(j, "pem", text != NULL && text[0] != '\0' ? text : NULL);
	free(text);
}

static void
put_certificate(struct json *j, const struct view_slot *slot, time_t now)
{
	struct certificate_facts f;

	certificate_read(slot->certificate, now, &f);
	json_open_object(j, NULL);
	json_put_octets(j, "reference", rbuf_of(&slot->reference, 1));
	json_put_text(j, "subject", f.subject);
	json_put_text(j, "issuer", f.issuer);
	json_put_text(j, "serial_number", f.serial);
	json_put_text(j, "not_before", f.from[0] != '\0' ? f.from : NULL);
	json_put_text(j, "not_after", f.until[0] != '\0' ? f.until : NULL);
	json_put_text(j, "state", certificate_state_name(f.state));
	json_put_number(j, "days_left", f.days_left);
	json_put_text(j, "sha256", f.sha256);
	put_pem(j, slot->certificate);
	json_close(j);
}

/* What is on the card: null while that cannot be told. */
static void
put_slots(struct json *j, const struct view *v)
{
	const time_t now = time(NULL);
	size_t i;

	if (!v->has_card) {
		json_put_null(j, "attestation_key");
		json_put_null(j, "keys");
		json_put_null(j, "certificates");
		return;
	}
	if (v->has_attestation)
		json_put_bool(j, "attestation_key", v->attestation.there);
	else
		json_put_null(j, "attestation_key");
	json_open_list(j, "keys");
	for (i = 0; i < v->slot_count; i++) {
		if (v->slots[i].key.there)
			put_key(j, &v->slots[i]);
	}
	json_close(j);
	json_open_list(j, "certificates");
	for (i = 0; i < v->slot_count; i++) {
		if (v->slots[i].certificate != NULL)
			put_certificate(j, &v->slots[i], now);
	}
	json_close(j);
}

static void
put_tpm(struct json *j, const struct view *v)
{
	const struct tpm_facts *t = &v->tpm;
	char text[64] = "";
	struct wbuf out = wbuf_over(text, sizeof text - 1);

	if (!v->has_tpm) {
		json_put_null(j, "tpm");
		return;
	}
	json_open_object(j, "tpm");
	json_put_text(j, "manufacturer", t->manufacturer);
	json_put_text(j, "model", t->model);
	put_words(&out, "%lu.%lu.%lu.%lu", (unsigned long)(t->firmware[0] >> 16),
	    (unsigned long)(t->firmware[0] & 0xffff), (unsigned long)(t->firmware[1] >> 16),
	    (unsigned long)(t->firmware[1] & 0xffff));
	json_put_text(j, "firmware", text);
	json_put_number(j, "revision", t->revision);
	json_close(j);
}

static void
put_identity(struct json *j, const struct view *v)
{
	const char *problem =
	    failed(&v->record_problem) ? v->record_problem.text : v->card_problem.text;
	char name[64] = "";
	struct wbuf out = wbuf_over(name, sizeof name - 1);

	instance_words(v->instance, &out);
	json_put_text(j, "instance", name);
	json_put_text(j, "name", view_name(v));
	json_put_text(j, "state",
	    state_name(v->has_record || v->has_card, &v->record.problem, view_pin_left(v)));
	if (v->has_record)
		problem =
		    failed(&v->record.problem) ? v->record.problem.text : v->card_problem.text;
	else if (v->has_card)
		problem = v->card_problem.text;
	json_put_text(j, "problem", problem[0] != '\0' ? problem : NULL);
	json_put_bool(j, "complete", v->has_record && v->has_card && !failed(&v->card_problem));
	if (v->has_record)
		json_put_octets(j, "guid", rbuf_of(v->record.guid, sizeof v->record.guid));
	else
		json_put_null(j, "guid");
	if (v->has_chuid_guid)
		json_put_octets(j, "chuid_guid", rbuf_of(v->chuid_guid, sizeof v->chuid_guid));
	else
		json_put_null(j, "chuid_guid");
	if (v->has_serial)
		json_put_number(j, "serial_number", v->serial);
	else
		json_put_null(j, "serial_number");
}

static void
put_reader(struct json *j, const struct view *v)
{
	char name[64] = "";
	struct wbuf out = wbuf_over(name, sizeof name - 1);

	reader_words(v->instance, &out);
	json_open_object(j, "reader");
	json_put_text(j, "name", name);
	if (v->reader != READER_UNKNOWN)
		json_put_bool(j, "shown", v->reader == READER_THERE);
	else
		json_put_null(j, "shown");
	json_close(j);
}

enum outcome
view_print_json(const struct view *v, struct failure *why)
{
	struct json *j = json_begin();

	json_open_object(j, "card");
	put_identity(j, v);
	put_reader(j, v);
	put_pin(j, v);
	put_puk(j, v);
	put_admin(j, v);
	put_recorded(j, "reset_allowed", v, v->record.allow_reset);
	put_slots(j, v);
	put_tpm(j, v);
	json_close(j);
	return json_print(j, why);
}
