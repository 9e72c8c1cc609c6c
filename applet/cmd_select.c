/* SPDX-License-Identifier: BSD-2-Clause */
#include "applet/commands.h"
#include "applet/response.h"
#include "applet/tlv.h"

/* SP 800-73-4 Part 1, 2.2: RID of NIST, then the proprietary extension with version 1.0. */
static const uint8_t aid[] = { 0xa0, 0x00, 0x00, 0x03, 0x08, 0x00, 0x00, 0x10, 0x00, 0x01, 0x00 };
#define RID_LEN 5

/* Long enough to recognise a card by; keeps the template's length in one octet. */
#define LABEL_MAX 64

/* As much of a name as fits in max octets without cutting a UTF-8 character. */
static struct rbuf
label_of(const char *name, size_t max)
{
	struct rbuf all = rbuf_str(name), label = all;
	size_t len = all.len;

	if (len > max) {
		len = max;
		while (len > 0 && (rbuf_at(all, len) & 0xc0) == 0x80)
			len--;
	}
	return rbuf_take(&all, len, &label) ? label : rbuf_of(NULL, 0);
}

/*
 * The PIV card application is selected from the reset on, and there is no
 * other: a name of another application changes nothing.  SELECT of this one
 * keeps all security status.
 */
sw_t
cmd_select(struct piv *p, const struct capdu *c, struct wbuf *out)
{
	struct rbuf label = label_of(p->profile->name, LABEL_MAX);
	struct rbuf rid, pix = rbuf_of(aid, sizeof aid);
	size_t template, authority;

	if (c->data.len < RID_LEN || c->data.len > sizeof aid ||
	    !rbuf_eq(c->data, rbuf_of(aid, c->data.len)) || !rbuf_take(&pix, RID_LEN, &rid))
		return SW_NOT_FOUND;
	/* Application property template, SP 800-73-4 Part 2, 3.1.1 */
	template = tlv_open(out, 0x61);
	tlv_put(out, 0x4f, pix);
	authority = tlv_open(out, 0x79);
	tlv_put(out, 0x4f, rid);
	tlv_close(out, authority);
	if (label.len != 0)
		tlv_put(out, 0x50, label);
	tlv_close(out, template);
	return SW_OK;
}

sw_t
cmd_get_response(struct piv *p, const struct capdu *c, struct wbuf *out)
{
	(void)c;
	(void)out;
	return response_waits(p) ? SW_OK : SW_CONDITIONS_NOT_SATISFIED;
}
