/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/one_card.h"

#include "tests/scratch.h"
#include "tests/suite.h"

#include <string.h>

uint8_t one_card_old[OLD_LEN], one_card_new[NEW_LEN];

static void
hush(enum log_level level, const char *text)
{
	(void)level;
	(void)text;
}

void
one_card_setup(void)
{
	memset(one_card_old, 'o', OLD_LEN);
	memset(one_card_new, 'n', NEW_LEN);
	log_open(LOG_LEVEL_ERROR, hush);
	scratch_setup();
	scratch_mkdir("state", 0700);
}

struct files *
one_card_state(void)
{
	struct failure why = { "" };
	struct files *f = NULL;

	ck_assert_msg(
	    files_open(scratch_path("state"), true, &f, &why) == FILES_OK, "%s", why.text);
	return f;
}

struct store *
one_card_items(struct files *f, unsigned instance)
{
	struct failure why = { "" };
	struct store *s = NULL;

	ck_assert_msg(files_store_open(f, instance, &s, &why) == FILES_OK, "%s", why.text);
	return s;
}

void
one_card_make(unsigned instance, struct rbuf key)
{
	struct failure why = { "" };
	struct files *f = one_card_state();
	struct store *s = NULL;

	ck_assert_msg(files_begin(f, instance, &s, &why) == FILES_OK, "%s", why.text);
	ck_assert_int_eq(store_put(s, STORE_KEY, 0x9a, key), STORE_OK);
	ck_assert_int_eq(store_put(s, STORE_OBJECT, 0x5fc102, rbuf_str("the object")), STORE_OK);
	files_store_close(s);
	ck_assert_msg(
	    files_commit(f, instance, rbuf_str("the record"), &why) == FILES_OK, "%s", why.text);
	files_close(f);
}

bool
one_card_holds(struct rbuf one, struct rbuf two)
{
	uint8_t octets[STORE_ITEM_MAX];
	struct wbuf out = wbuf_over(octets, sizeof octets);
	struct files *f = one_card_state();
	struct store *s = one_card_items(f, 0);
	enum store_err err = store_get(s, STORE_KEY, 0x9a, &out);

	files_store_close(s);
	files_close(f);
	return (err == STORE_OK || err == STORE_ABSENT) &&
	       (rbuf_eq(wbuf_view(&out), one) || rbuf_eq(wbuf_view(&out), two));
}
