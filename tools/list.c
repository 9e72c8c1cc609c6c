/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/commands.h"
#include "tools/message.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* One line of the table, each cell as text. */
struct line {
	char instance[32], reader[40], state[8], pin[20], puk[20], keys[512];
};

static const char *
algorithm_name(uint8_t algorithm)
{
	static const struct {
		uint8_t algorithm;
		const char *name;
	} names[] = {
		{ ALG_RSA_2048, "RSA-2048" },
		{ ALG_RSA_3072, "RSA-3072" },
		{ ALG_RSA_4096, "RSA-4096" },
		{ ALG_ECC_P256, "P-256" },
		{ ALG_ECC_P384, "P-384" },
	};
	size_t i;

	for (i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (names[i].algorithm == algorithm)
			return names[i].name;
	}
	return "?";
}

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
	char text[24];
	size_t i;

	for (i = 0; i < card->key_count; i++) {
		(void)snprintf(text, sizeof text, "%s%02x:%s", i != 0 ? " " : "", card->keys[i],
		    algorithm_name(card->algorithms[i]));
		wbuf_put(&out, rbuf_str(text));
	}
	if (card->key_count == 0)
		wbuf_u8(&out, '-');
}

static struct line
line_of(const struct card_summary *card)
{
	struct line line = { .instance = "" };

	(void)snprintf(line.instance, sizeof line.instance, INSTANCE_PREFIX "%04u", card->instance);
	(void)snprintf(line.reader, sizeof line.reader, READER_NAME " 00 %02X", card->instance);
	(void)snprintf(line.state, sizeof line.state, "%s",
	    !card->readable          ? "broken"
	    : failed(&card->problem) ? "trouble"
	    : card->pin_left == 0    ? "blocked"
				     : "ready");
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

enum outcome
list_run(const struct config *config, const struct options *options, struct failure *why)
{
	struct card_summary cards[CARDS_MAX];
	enum outcome outcome;
	size_t count = 0;

	outcome = cards_list(config, cards, &count, why);
	if (outcome != DONE)
		return outcome;
	if (count != 0)
		print_table(cards, count);
	else if (!options->quiet)
		(void)fprintf(stderr, "There are no TPM virtual smart cards here.\n");
	if (ferror(stdout) != 0 || fclose(stdout) != 0) {
		fail(why, "cannot write to standard output: %s", strerror(errno));
		return FAILED;
	}
	return DONE;
}
