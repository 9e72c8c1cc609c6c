/* SPDX-License-Identifier: BSD-2-Clause */
/* The store that remembers, over one in memory that counts, fails and is changed by others. */
#include "card/cache.h"
#include "tests/fake_store.h"
#include "tests/suite.h"

#include <string.h>
#include <sys/resource.h>

#define OCTETS(text) rbuf_of((text), sizeof(text) - 1)
#define CERTIFICATE  0x5fc105

static struct fake_store disk;
static bool others_wrote;
static struct cache *cache;
static struct store *store;

static bool
changed(struct store *inner)
{
	const bool answer = others_wrote;

	ck_assert_ptr_eq(inner, &disk.port);
	others_wrote = false;
	return answer;
}

static void
setup(void)
{
	fake_store_init(&disk);
	others_wrote = false;
	cache = cache_new(&disk.port, changed);
	ck_assert_ptr_nonnull(cache);
	store = cache_store(cache);
}

static void
teardown(void)
{
	cache_free(cache);
	cache = NULL;
}

/* Put an item past the cache, as others do. */
static void
plant(enum store_kind kind, uint32_t id, struct rbuf value)
{
	ck_assert_int_eq(store_put(&disk.port, kind, id, value), STORE_OK);
	disk.calls = 0;
}

/* Get an item; whether it is what is on the disk, and was got with so many calls. */
static bool
gives(enum store_kind kind, uint32_t id, unsigned calls)
{
	static uint8_t octets[STORE_ITEM_MAX + 4];
	struct wbuf out = wbuf_over(octets, sizeof octets);
	const unsigned before = disk.calls;
	struct rbuf want = rbuf_of(NULL, 0), got, head;
	const bool there = fake_store_peek(&disk, kind, id, &want);

	/* It is appended to what is there. */
	wbuf_put(&out, OCTETS("head"));
	if (store_get(store, kind, id, &out) != (there ? STORE_OK : STORE_ABSENT))
		return false;
	got = wbuf_view(&out);
	return rbuf_take(&got, 4, &head) && rbuf_eq(head, OCTETS("head")) && rbuf_eq(got, want) &&
	       disk.calls - before == calls;
}

START_TEST(asked_once)
{
	plant(STORE_OBJECT, CERTIFICATE, OCTETS("a certificate"));
	plant(STORE_KEY, 0x9a, OCTETS("a key"));
	plant(STORE_SEALED, CERTIFICATE, OCTETS(""));
	ck_assert(gives(STORE_OBJECT, CERTIFICATE, 1));
	ck_assert(gives(STORE_KEY, 0x9a, 1));
	ck_assert(gives(STORE_SEALED, CERTIFICATE, 1));
	ck_assert_msg(gives(STORE_KEY, 0x9c, 1), "absent");
	ck_assert(gives(STORE_OBJECT, CERTIFICATE, 0));
	ck_assert(gives(STORE_KEY, 0x9a, 0));
	ck_assert(gives(STORE_SEALED, CERTIFICATE, 0));
	ck_assert_msg(gives(STORE_KEY, 0x9c, 0), "absent, from memory");
}
END_TEST

START_TEST(changed_by_others)
{
	plant(STORE_OBJECT, CERTIFICATE, OCTETS("old"));
	ck_assert(gives(STORE_OBJECT, CERTIFICATE, 1));
	ck_assert(gives(STORE_KEY, 0x9c, 1));
	plant(STORE_OBJECT, CERTIFICATE, OCTETS("another"));
	plant(STORE_KEY, 0x9c, OCTETS("a key"));
	others_wrote = true;
	ck_assert(gives(STORE_KEY, 0x9c, 1));
	ck_assert(gives(STORE_OBJECT, CERTIFICATE, 1));
	ck_assert(gives(STORE_OBJECT, CERTIFICATE, 0));
}
END_TEST

START_TEST(dropped)
{
	cache_drop(cache);
	plant(STORE_OBJECT, CERTIFICATE, OCTETS("a certificate"));
	ck_assert(gives(STORE_OBJECT, CERTIFICATE, 1));
	cache_drop(cache);
	cache_drop(cache);
	ck_assert(gives(STORE_OBJECT, CERTIFICATE, 1));
	ck_assert(gives(STORE_OBJECT, CERTIFICATE, 0));
}
END_TEST

START_TEST(no_room_for_it)
{
	uint8_t octets[8];
	struct wbuf out = wbuf_over(octets, sizeof octets);
	int i;

	plant(STORE_OBJECT, CERTIFICATE, OCTETS("nine char"));
	for (i = 0; i < 2; i++) {
		ck_assert_int_eq(
		    store_get(store, STORE_OBJECT, CERTIFICATE, &out), STORE_FAULT);
		ck_assert(wbuf_ok(&out) && out.len == 0);
		ck_assert_msg(gives(STORE_OBJECT, CERTIFICATE, i == 0 ? 1 : 0), "%d", i);
	}
	wbuf_fill(&out, 0, 9);
	ck_assert_int_eq(store_get(store, STORE_OBJECT, CERTIFICATE, &out), STORE_FAULT);
}
END_TEST

START_TEST(a_failure_is_not_remembered)
{
	uint8_t octets[16];
	struct wbuf out = wbuf_over(octets, sizeof octets);

	plant(STORE_OBJECT, CERTIFICATE, OCTETS("a certificate"));
	fake_store_fail(&disk, 1, STORE_FAULT);
	ck_assert_int_eq(store_get(store, STORE_OBJECT, CERTIFICATE, &out), STORE_FAULT);
	ck_assert_uint_eq(out.len, 0);
	ck_assert(gives(STORE_OBJECT, CERTIFICATE, 1));
}
END_TEST

/* ---- writes ---- */

static enum store_err
put(void)
{
	return store_put(store, STORE_KEY, 0x9a, OCTETS("fresh"));
}

static enum store_err
remove_it(void)
{
	return store_remove(store, STORE_KEY, 0x9a);
}

static enum store_err
move_away(void)
{
	return store_move(store, STORE_KEY, 0x9a, STORE_KEY, 0x82);
}

static enum store_err
move_over(void)
{
	return store_move(store, STORE_KEY_NEXT, 0x9b, STORE_KEY, 0x9a);
}

static const struct {
	const char *why;
	enum store_err (*write)(void);
} writes[] = {
	{ "put", put },
	{ "remove", remove_it },
	{ "move away", move_away },
	{ "move over", move_over },
};

enum accident { NO_ACCIDENT, NOT_DONE, DONE_ALL_THE_SAME, ACCIDENTS };

START_TEST(written)
{
	static const struct {
		enum store_kind kind;
		uint32_t id;
	} items[] = { { STORE_KEY, 0x9a }, { STORE_KEY, 0x82 }, { STORE_KEY_NEXT, 0x9b } };
	const size_t row = (size_t)_i / ACCIDENTS, n = sizeof items / sizeof items[0];
	const enum accident accident = (enum accident)(_i % ACCIDENTS);
	enum store_err err;
	size_t i;

	plant(STORE_KEY, 0x9a, OCTETS("old"));
	plant(STORE_KEY_NEXT, 0x9b, OCTETS("the next"));
	for (i = 0; i < n; i++)
		ck_assert(gives(items[i].kind, items[i].id, 1));
	disk.late = accident == DONE_ALL_THE_SAME;
	if (accident != NO_ACCIDENT)
		fake_store_fail(&disk, 1, STORE_FULL);
	err = writes[row].write();
	ck_assert_msg(err == (accident == NO_ACCIDENT ? STORE_OK : STORE_FULL), "%s: %u",
	    writes[row].why, err);
	ck_assert_uint_eq(disk.writes, accident == NOT_DONE ? 2 : 3);
	for (i = 0; i < n; i++)
		ck_assert_msg(gives(items[i].kind, items[i].id, 1), "%s: %zu", writes[row].why, i);
}
END_TEST

START_TEST(nothing_to_remove_or_move)
{
	ck_assert_int_eq(remove_it(), STORE_ABSENT);
	ck_assert_int_eq(move_away(), STORE_ABSENT);
}
END_TEST

/* ---- limits ---- */

START_TEST(more_items_than_it_keeps)
{
	uint32_t id, again = 0;

	for (id = 0; id < 200; id++)
		ck_assert(gives(STORE_OBJECT, id, 1));
	for (id = 0; id < 200; id++) {
		if (gives(STORE_OBJECT, id, 0))
			continue;
		ck_assert(gives(STORE_OBJECT, id, 1));
		again++;
	}
	ck_assert_uint_gt(again, 0);
	ck_assert_uint_lt(again, 120);
}
END_TEST

START_TEST(more_octets_than_it_keeps)
{
	static uint8_t value[STORE_ITEM_MAX];
	uint32_t id;

	for (id = 1; id <= 5; id++) {
		memset(value, (int)id, sizeof value);
		plant(STORE_OBJECT, id, rbuf_of(value, sizeof value));
		ck_assert(gives(STORE_OBJECT, id, 1));
	}
	for (id = 1; id <= 5; id++)
		ck_assert_msg(gives(STORE_OBJECT, id, id <= 3 ? 0 : 1), "%u", id);
	/* What is small still has its place. */
	ck_assert(gives(STORE_OBJECT, 6, 1));
	ck_assert(gives(STORE_OBJECT, 6, 0));
}
END_TEST

START_TEST(memory_is_out)
{
	struct rlimit limit, none;

	plant(STORE_OBJECT, CERTIFICATE, OCTETS("a certificate"));
	ck_assert_int_eq(getrlimit(RLIMIT_DATA, &limit), 0);
	none = (struct rlimit){ .rlim_max = limit.rlim_max };
	ck_assert_int_eq(setrlimit(RLIMIT_DATA, &none), 0);
	others_wrote = gives(STORE_OBJECT, CERTIFICATE, 1);
	ck_assert_int_eq(setrlimit(RLIMIT_DATA, &limit), 0);
	ck_assert(others_wrote);
	ck_assert(gives(STORE_OBJECT, CERTIFICATE, 1));
	ck_assert(gives(STORE_OBJECT, CERTIFICATE, 0));
}
END_TEST

/* ---- everything at once ---- */

/* Numbers that are the same in each run. */
static unsigned
draw(unsigned below)
{
	static uint32_t state = 1;

	state = state * 1664525U + 1013904223U;
	return (state >> 8) % below;
}

static void
write_something(struct store *to)
{
	static const uint8_t value[3000] = { 1, 2, 3 };
	const enum store_kind kind = draw(2) != 0 ? STORE_OBJECT : STORE_KEY;
	const uint32_t id = draw(30);
	enum store_err err = STORE_OK;

	switch (draw(3)) {
	case 0:
		err = store_put(to, kind, id, rbuf_of(value, draw(sizeof value)));
		break;
	case 1:
		err = store_remove(to, kind, id);
		break;
	case 2:
		err = store_move(to, kind, id, STORE_OBJECT, draw(30));
		break;
	}
	(void)err;
}

START_TEST(never_stale)
{
	unsigned i, before, hits = 0;

	for (i = 0; i < 20000; i++) {
		disk.fail_at = 0;
		disk.late = draw(2) != 0;
		if (draw(40) == 0)
			fake_store_fail(&disk, 1, STORE_FAULT);
		if (draw(10) == 0) {
			others_wrote = draw(4) == 0;
			write_something(others_wrote ? &disk.port : store);
		}
		if (draw(500) == 0)
			cache_drop(cache);
		disk.fail_at = 0;
		before = disk.calls;
		disk.calls = 0;
		if (gives(draw(2) != 0 ? STORE_OBJECT : STORE_KEY, draw(30), 0))
			hits++;
		else
			ck_assert_msg(disk.calls == 1, "what was remembered is not what is there");
		disk.calls += before;
	}
	ck_assert_uint_gt(hits, 2000);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("cache");
	TCase *tc = tcase_create("cache");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, asked_once);
	tcase_add_test(tc, changed_by_others);
	tcase_add_test(tc, dropped);
	tcase_add_test(tc, no_room_for_it);
	tcase_add_test(tc, a_failure_is_not_remembered);
	tcase_add_loop_test(
	    tc, written, 0, (int)(sizeof writes / sizeof writes[0]) * ACCIDENTS);
	tcase_add_test(tc, nothing_to_remove_or_move);
	tcase_add_test(tc, more_items_than_it_keeps);
	tcase_add_test(tc, more_octets_than_it_keeps);
	tcase_add_test(tc, memory_is_out);
	tcase_add_test(tc, never_stale);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
