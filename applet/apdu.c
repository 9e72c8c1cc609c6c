/* SPDX-License-Identifier: BSD-2-Clause */
#include "applet/apdu.h"

/* Nothing (no Le), or one octet where 00 stands for 256. */
static bool
take_short_le(struct rbuf in, struct capdu *out)
{
	uint8_t le;

	if (in.len == 0)
		return true;
	if (!rbuf_u8(&in, &le) || in.len != 0)
		return false;
	out->le_present = true;
	out->ne = le != 0 ? le : 0x100;
	return true;
}

/* Nothing (no Le), or two octets where 0000 stands for 65536. */
static bool
take_extended_le(struct rbuf in, struct capdu *out)
{
	uint16_t le;

	if (in.len == 0)
		return true;
	if (!rbuf_u16(&in, &le) || in.len != 0)
		return false;
	out->le_present = true;
	out->ne = le != 0 ? le : 0x10000;
	return true;
}

/* What follows the octet 00 in the place of Lc: Le alone, or Lc, data and perhaps Le. */
static bool
take_extended_body(struct rbuf in, struct capdu *out)
{
	uint16_t lc;

	if (in.len == 2)
		return take_extended_le(in, out);
	return rbuf_u16(&in, &lc) && lc != 0 && rbuf_take(&in, lc, &out->data) &&
	       take_extended_le(in, out);
}

bool
capdu_parse(struct rbuf in, struct capdu *out)
{
	uint8_t lc;

	*out = (struct capdu){ .ne = 0 };
	if (!rbuf_u8(&in, &out->cla) || !rbuf_u8(&in, &out->ins) || !rbuf_u8(&in, &out->p1) ||
	    !rbuf_u8(&in, &out->p2))
		return false;
	if (in.len <= 1)
		return take_short_le(in, out);
	if (!rbuf_u8(&in, &lc))
		return false;
	if (lc == 0)
		return take_extended_body(in, out);
	return rbuf_take(&in, lc, &out->data) && take_short_le(in, out);
}
