/* SPDX-License-Identifier: BSD-2-Clause */
/* What doctor finds out about the cards. */
#include "tools/doctor.h"

#include "tools/certificate.h"
#include "tools/view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

/* A full card's items, twice: a change writes a new one beside the old. */
#define DISK_LEAST (1024UL * 1024)

/* When a certificate is to be renewed. */
#define RENEW_DAYS 30

/* ---- the state directory ---- */

static void
check_disk(struct doctor *d)
{
	struct statvfs fs;

	if (statvfs(d->config.state_dir, &fs) != 0)
		return;
	if ((unsigned long)fs.f_bavail < DISK_LEAST / (fs.f_frsize != 0 ? fs.f_frsize : 1))
		remedy(
		    found(d, LEVEL_PROBLEM, "the file system of %s is full", d->config.state_dir),
		    "make room: until then no card can be made, and none take a key or certificate");
	else if (fs.f_files != 0 && fs.f_favail == 0)
		remedy(found(d, LEVEL_PROBLEM, "the file system of %s has no inodes left",
			   d->config.state_dir),
		    "remove files: until then no card can be made");
}

void
check_state(struct doctor *d)
{
	struct failure why = { "" };
	struct repair repair = { .found = 0 };
	enum outcome outcome;

	/* Every run begins with it; here it is told. */
	if (cards_repair(&d->config, NULL, &repair, &d->repair_problem) != DONE)
		fail(&d->repair_problem, "interrupted runs cannot be ended");
	d->repair = repair;
	outcome = cards_list(&d->config, d->cards, &d->card_count, &why);
	d->has_cards = outcome == DONE;
	if (outcome == NOT_PERMITTED) {
		denied(found(d, LEVEL_PROBLEM, "%s", why.text));
	} else if (outcome != DONE) {
		found(d, LEVEL_PROBLEM, "%s", why.text);
	} else if (access(d->config.state_dir, F_OK) != 0) {
		found(d, LEVEL_OK, "there is no %s yet: the first card makes it",
		    d->config.state_dir);
	} else {
		found(d, LEVEL_OK, "%s is good; there %s %zu card%s", d->config.state_dir,
		    d->card_count == 1 ? "is" : "are", d->card_count,
		    d->card_count == 1 ? "" : "s");
		check_disk(d);
	}
}

void
check_unfinished(struct doctor *d)
{
	if (failed(&d->repair_problem))
		remedy(found(d, LEVEL_PROBLEM, "%s", d->repair_problem.text),
		    "see to that, then tpmvscmgr repair");
	else if (d->repair.found != 0)
		found(d, LEVEL_NOTE, "%u interrupted run%s %s just been ended", d->repair.found,
		    d->repair.found == 1 ? "" : "s", d->repair.found == 1 ? "has" : "have");
	else
		found(d, LEVEL_OK, "none");
}

/* ---- each card ---- */

static void
check_card(struct doctor *d, const struct card_summary *card)
{
	const unsigned n = card->instance;
	const size_t before = d->count;
	size_t position;

	if (failed(&card->problem))
		remedy(found(d, LEVEL_PROBLEM, INSTANCE_PREFIX "%04u: %s", n, card->problem.text),
		    d->has_tpm
			? "if the TPM was cleared, or the card is another machine's, it cannot be "
			  "brought back: tpmvscmgr destroy /instance %u"
			: "see to the TPM first, then look at card %u again",
		    n);
	if (card->readable && card->pin_left == 0)
		remedy(found(d, LEVEL_PROBLEM, INSTANCE_PREFIX "%04u: its PIN is blocked", n),
		    "tpmvscmgr unblock /instance %u", n);
	if (card->readable && card->has_puk && card->puk_left == 0)
		remedy(found(d, LEVEL_WARNING, INSTANCE_PREFIX "%04u: its PUK is blocked", n),
		    "only the administrator key can unblock its PIN from now on");
	if (d->has_readers && !doctor_reader(d, n, &position))
		remedy(found(d, LEVEL_PROBLEM,
			   INSTANCE_PREFIX "%04u: pcscd does not show its reader", n),
		    "restart pcscd when no smart card is in use (systemctl restart pcscd)");
	if (d->count != before)
		return;
	if (card->pin_left > 0)
		found(d, LEVEL_OK, INSTANCE_PREFIX "%04u: %s, its PIN has %d tries left", n,
		    card->name, card->pin_left);
	else
		found(d, LEVEL_OK, INSTANCE_PREFIX "%04u: %s", n, card->name);
}

void
check_cards(struct doctor *d)
{
	size_t i;

	for (i = 0; i < d->card_count; i++)
		check_card(d, &d->cards[i]);
	if (d->card_count == 0)
		found(d, LEVEL_OK, "there are none");
}

/* ---- what is on them ---- */

static void
check_defaults(struct doctor *d, const struct view *v)
{
	const struct {
		const struct metadata *m;
		const char *what, *command;
	} secrets[] = {
		{ &v->pin, "PIN", "change-pin" },
		{ &v->puk, "PUK", "change-puk" },
		{ &v->management, "administrator key", "change-admin-key" },
	};
	size_t i;

	for (i = 0; i < sizeof secrets / sizeof secrets[0]; i++) {
		if (!secrets[i].m->there || !secrets[i].m->is_default)
			continue;
		remedy(found(d, LEVEL_WARNING,
			   INSTANCE_PREFIX "%04u: its %s is the default one, which everybody knows",
			   v->instance, secrets[i].what),
		    "tpmvscmgr %s /instance %u", secrets[i].command, v->instance);
	}
}

static void
check_certificate(struct doctor *d, unsigned instance, const struct view_slot *slot, time_t now)
{
	struct certificate_facts f;
	struct finding *finding;

	certificate_read(slot->certificate, now, &f);
	if (f.state == CERTIFICATE_EARLY) {
		remedy(found(d, LEVEL_WARNING,
			   INSTANCE_PREFIX "%04u: the certificate of %02X is not valid before %s",
			   instance, slot->reference, f.from),
		    "see whether the clock is right");
		return;
	}
	if (f.state == CERTIFICATE_VALID && f.days_left >= RENEW_DAYS)
		return;
	if (f.state == CERTIFICATE_EXPIRED)
		finding = found(d, LEVEL_PROBLEM,
		    INSTANCE_PREFIX "%04u: the certificate of %02X expired on %s", instance,
		    slot->reference, f.until);
	else
		finding = found(d, LEVEL_WARNING,
		    INSTANCE_PREFIX "%04u: the certificate of %02X expires in %d day%s", instance,
		    slot->reference, f.days_left, f.days_left == 1 ? "" : "s");
	remedy(finding, "renew it: tpmvscmgr enroll /instance %u --slot %02x, with a --subject",
	    instance, slot->reference);
}

static void
check_content(struct doctor *d, unsigned instance, struct view *v)
{
	struct failure why = { "" };
	const enum outcome outcome = view_card(&d->config, instance, v, &why);
	const time_t now = time(NULL);
	const size_t before = d->count;
	size_t i;

	if (outcome != DONE)
		remedy(found(d, LEVEL_WARNING, INSTANCE_PREFIX "%04u: %s", instance, why.text),
		    "tpmvscmgr show /instance %u --verbose", instance);
	check_defaults(d, v);
	/* Retired keys' certificates are there to be old. */
	for (i = 0; i < v->slot_count; i++) {
		if (v->slots[i].certificate != NULL && v->slots[i].reference > RETIRED_LAST)
			check_certificate(d, instance, &v->slots[i], now);
	}
	if (d->count == before)
		found(d, LEVEL_OK,
		    INSTANCE_PREFIX "%04u: no default secrets, no certificate to renew", instance);
}

void
check_contents(struct doctor *d)
{
	struct view *v = malloc(sizeof *v);
	size_t i;

	/* The way to a card begins at pcscd, and each card would wait for it. */
	for (i = 0; v != NULL && !d->pcscd_hangs && i < d->card_count; i++) {
		if (!d->cards[i].readable || failed(&d->cards[i].problem))
			continue;
		*v = (struct view){ .instance = d->cards[i].instance };
		check_content(d, d->cards[i].instance, v);
		view_clear(v);
	}
	free(v);
}
