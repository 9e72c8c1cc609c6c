/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/installation.h"

#include "store/files.h"
#include "tests/scratch.h"
#include "tests/suite.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

struct config installation;

static struct secret pin, puk, admin_key;

static void
hush(enum log_level level, const char *text)
{
	(void)level;
	(void)text;
}

void
installation_setup(void)
{
	static const uint8_t key[] = { 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4,
		5, 6, 7, 8 };

	log_open(LOG_LEVEL_ERROR, hush);
	scratch_setup();
	fake_tpm_reset();
	installation =
	    (struct config){ .tcti = "swtpm:path=/x", .spare_slots = 1, .pin_cache = 3600 };
	(void)snprintf(
	    installation.state_dir, sizeof installation.state_dir, "%s", scratch_path("state"));
	ck_assert(secret_set(&pin, rbuf_str("12345678")));
	ck_assert(secret_set(&puk, rbuf_str("87654321")));
	ck_assert(secret_set(&admin_key, rbuf_of(key, sizeof key)));
}

void
installation_teardown(void)
{
	ck_assert_msg(
	    fake_tpm->open == 0, "%u TPM clients or vaults were not freed", fake_tpm->open);
	scratch_teardown();
}

struct card_request
installation_request(void)
{
	return (struct card_request){
		.profile = { .name = "Alice", .policy = pin_policy_default },
		.pin = &pin,
		.pin_tries = 5,
		.puk = &puk,
		.puk_tries = 4,
		.admin_key = &admin_key,
		.admin_algorithm = ALG_3DES,
		.admin_unblock = true,
		.generate = true,
	};
}

unsigned
installation_create(const struct card_request *request)
{
	struct failure why = { "" };
	unsigned instance = 99;

	ck_assert_msg(
	    cards_create(&installation, request, NULL, &instance, &why) == DONE, "%s", why.text);
	return instance;
}

int
installation_list(void)
{
	static struct card_summary rows[CARDS_MAX];
	size_t count = 99, i;

	if (cards_list(&installation, rows, &count, NULL) != DONE)
		return -1;
	for (i = 0; i < count; i++) {
		if (!rows[i].readable || failed(&rows[i].problem) || rows[i].key_count != 0)
			return -1;
	}
	return (int)count;
}

/* Whether a name is the generation of a card that is there. */
static bool
is_generation(const char *name)
{
	char path[32];

	if (strncmp(name, ".generation-", 12) != 0)
		return false;
	(void)snprintf(path, sizeof path, "state/%.8s", name + 12);
	return scratch_exists(path);
}

/* Nothing but 000n, .manage, .lock and the cards' generations. */
static void
check_names(const char *what)
{
	DIR *dir = opendir(installation.state_dir);
	const struct dirent *entry;
	const char *name;

	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir)) != NULL) {
		name = entry->d_name;
		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
		    strcmp(name, ".manage") == 0 || strcmp(name, ".lock") == 0 ||
		    is_generation(name))
			continue;
		ck_assert_msg(strlen(name) == 4 && strspn(name, "0123456789") == 4,
		    "%s: %s is left over", what, name);
	}
	(void)closedir(dir);
}

void
installation_check(const char *what)
{
	uint8_t octets[TPM_RECORD_MAX];
	struct files *files = NULL;
	unsigned i, cards = 0;
	struct wbuf record;
	uint32_t number;

	if (files_open(installation.state_dir, false, &files, NULL) == FILES_OK) {
		for (i = 0; i < CARDS_MAX; i++) {
			record = wbuf_over(octets, sizeof octets);
			if (!files_has(files, i))
				continue;
			ck_assert_msg(files_record(files, i, &record, NULL) == FILES_OK,
			    "%s: card %u has no record", what, i);
			number = fake_tpm_number(wbuf_view(&record));
			ck_assert_msg(number != 0, "%s: card %u has a bad record", what, i);
			ck_assert_msg(fake_tpm_count(number) == FAKE_INDICES,
			    "%s: card %u has %u indices", what, i, fake_tpm_count(number));
			cards++;
		}
		check_names(what);
	}
	files_close(files);
	ck_assert_msg(fake_tpm_count(0) == cards * FAKE_INDICES, "%s: %u indices of %u cards", what,
	    fake_tpm_count(0), cards);
	ck_assert_msg(
	    (fake_tpm->parent != 0) == (cards != 0), "%s: parent and %u cards", what, cards);
	ck_assert_msg(installation_list() == (int)cards, "%s: list says otherwise", what);
}
