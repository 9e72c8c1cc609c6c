/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/commands.h"
#include "tools/json.h"
#include "tools/names.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* One line of the table, each cell as text. */
struct line {
	char instance[32], reader[40], state[8], pin[20], puk[20], keys[512];
};

static void
put_tries(char *out, size_t size, int left)
{
	if (left < 0)
		(void)snprintf(out, size, "?");
	else if (left == 0)
		(void)snprintf(out, size, "blocked");
	else
		(void)snprintf(out, size, "%d left", left);
}

static void
put_keys(const struct card_summary *card, struct line *line)
{
	struct wbuf out = wbuf_over(line->keys, sizeof line->keys - 1);
	size_t i;

	for (i = 0; i < card->key_count; i++)
		put_words(&out, "%s%02x:%s", i != 0 ? " " : "", card->keys[i],
		    algorithm_name(card->algorithms[i]));
	if (card->key_count == 0)
		wbuf_u8(&out, '-');
}

static struct line
line_of(const struct card_summary *card)
{
	struct line line = { .instance = "" };
	struct wbuf instance = wbuf_over(line.instance, sizeof line.instance - 1);
	struct wbuf reader = wbuf_over(line.reader, sizeof line.reader - 1);

	instance_words(card->instance, &instance);
	reader_words(card->instance, &reader);
	(void)snprintf(line.state, sizeof line.state, "%s",
	    state_name(card->readable, &card->problem, card->pin_left));
	put_tries(line.pin, sizeof line.pin, card->readable ? card->pin_left : -1);
	if (card->readable && !card->has_puk)
		(void)snprintf(line.puk, sizeof line.puk, "none");
	else
		put_tries(line.puk, sizeof line.puk, card->readable ? card->puk_left : -1);
	put_keys(card, &line);
	return line;
}

static void
print_line(const struct line *l, int keys_width, const char *name)
{
	(void)printf("%-26s  %-28s  %-7s  %-7s  %-7s  %-*s  %s\n", l->instance, l->reader, l->state,
	    l->pin, l->puk, keys_width, l->keys, name);
}

/* The name comes last: how wide it is only the terminal knows. */
static void
print_table(const struct card_summary *cards, size_t count)
{
	static const struct line head = { "INSTANCE", "READER", "STATE", "PIN", "PUK", "KEYS" };
	struct line lines[CARDS_MAX];
	int width = (int)strlen(head.keys);
	size_t i;

	for (i = 0; i < count; i++) {
		lines[i] = line_of(&cards[i]);
		if ((int)strlen(lines[i].keys) > width)
			width = (int)strlen(lines[i].keys);
	}
	print_line(&head, width, "NAME");
	for (i = 0; i < count; i++) {
		print_line(&lines[i], width, cards[i].readable ? cards[i].name : "?");
		if (failed(&cards[i].problem))
			(void)printf("  %s\n", cards[i].problem.text);
	}
}

/* ---- for programs ---- */

static void
json_tries(struct json *j, const char *name, int left)
{
	if (left >= 0)
		json_put_number(j, name, left);
	else
		json_put_null(j, name);
}

static void
json_card(struct json *j, const struct card_summary *card)
{
	const struct line line = line_of(card);
	size_t i;

	json_open_object(j, NULL);
	json_put_text(j, "instance", line.instance);
	json_put_text(j, "name", card->readable ? card->name : NULL);
	json_put_text(j, "reader", line.reader);
	json_put_text(j, "state", line.state);
	json_put_text(j, "problem", failed(&card->problem) ? card->problem.text : NULL);
	json_tries(j, "pin_tries_left", card->readable ? card->pin_left : -1);
	if (card->readable)
		json_put_bool(j, "puk_present", card->has_puk);
	else
		json_put_null(j, "puk_present");
	json_tries(j, "puk_tries_left", card->readable && card->has_puk ? card->puk_left : -1);
	json_open_list(j, "keys");
	for (i = 0; i < card->key_count; i++) {
		json_open_object(j, NULL);
		json_put_octets(j, "reference", rbuf_of(&card->keys[i], 1));
		json_put_text(j, "algorithm",
		    card->algorithms[i] != 0 ? algorithm_name(card->algorithms[i]) : NULL);
		json_close(j);
	}
	json_close(j);
	json_close(j);
}

static enum outcome
print_json(const struct card_summary *cards, size_t count, struct failure *why)
{
	struct json *j = json_begin();
	size_t i;

	json_open_list(j, "cards");
	for (i = 0; i < count; i++)
		json_card(j, &cards[i]);
	json_close(j);
	return json_print(j, why);
}

/* ---- the command ---- */

static enum outcome
print(const struct card_summary *cards, size_t count, bool quiet, struct failure *why)
{
	if (count != 0)
		print_table(cards, count);
	else if (!quiet)
		(void)fprintf(stderr, "There are no TPM virtual smart cards here.\n");
	if (ferror(stdout) == 0 && fclose(stdout) == 0)
		return DONE;
	fail(why, "cannot write to standard output: %s", strerror(errno));
	return FAILED;
}

/* Whether the trouble is the TPM's: the list is not all that was asked for then. */
static enum outcome
blame(const struct config *config, const struct card_summary *cards, size_t count,
    struct failure *why)
{
	struct failure cause = { "" };
	struct tpm_facts facts;
	size_t i;

	for (i = 0; i < count; i++) {
		if (!cards[i].readable || !failed(&cards[i].problem))
			continue;
		if (cards_tpm(config, &facts, &cause) == DONE)
			return DONE;
		fail(why, "%s", cause.text);
		return TPM_PROBLEM;
	}
	return DONE;
}

enum outcome
list_run(const struct config *config, const struct options *options, struct failure *why)
{
	struct card_summary cards[CARDS_MAX];
	enum outcome outcome;
	size_t count = 0;

	outcome = cards_list(config, cards, &count, why);
	if (outcome == DONE)
		outcome = options->json ? print_json(cards, count, why)
					: print(cards, count, options->quiet, why);
	return outcome == DONE ? blame(config, cards, count, why) : outcome;
}
