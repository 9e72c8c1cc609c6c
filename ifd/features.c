/* SPDX-License-Identifier: BSD-2-Clause */
#include "ifd/features.h"

#include <reader.h>

/* What Windows' SCARD_CTL_CODE(3400) comes to; programs ported from there send it. */
#define WINDOWS_GET_FEATURE_REQUEST 0x313520
/* A control code of our own for each feature, numbered as other drivers do. */
#define CODE_GET_TLV_PROPERTIES SCARD_CTL_CODE(FEATURE_GET_TLV_PROPERTIES + 0x330000)

/* Values in TLV properties are little-endian. */
static void
put_property(struct wbuf *out, uint8_t tag, uint32_t value, uint8_t octets)
{
	uint8_t i;

	wbuf_u8(out, tag);
	wbuf_u8(out, octets);
	for (i = 0; i < octets; i++)
		wbuf_u8(out, (uint8_t)(value >> 8 * i));
}

/* No keypad and no display, hence none of the PIN and LCD properties. */
static void
put_properties(struct wbuf *out)
{
	const struct rbuf version = rbuf_str(PACKAGE_VERSION);

	wbuf_u8(out, PCSCv2_PART10_PROPERTY_sFirmwareID);
	wbuf_u8(out, (uint8_t)version.len);
	wbuf_put(out, version);
	put_property(out, PCSCv2_PART10_PROPERTY_bPPDUSupport, 0, 1);
	put_property(out, PCSCv2_PART10_PROPERTY_dwMaxAPDUDataSize, 0x10000, 4);
	put_property(out, PCSCv2_PART10_PROPERTY_wIdVendor, 0, 2);
	put_property(out, PCSCv2_PART10_PROPERTY_wIdProduct, 0, 2);
}

/* The list of features, each with its control code, big-endian. */
static void
put_features(struct wbuf *out)
{
	wbuf_u8(out, FEATURE_GET_TLV_PROPERTIES);
	wbuf_u8(out, 4);
	wbuf_u32(out, CODE_GET_TLV_PROPERTIES);
}

static const struct control {
	DWORD code;
	void (*put)(struct wbuf *);
} controls[] = {
	{ CM_IOCTL_GET_FEATURE_REQUEST, put_features },
	{ WINDOWS_GET_FEATURE_REQUEST, put_features },
	{ CODE_GET_TLV_PROPERTIES, put_properties },
};

RESPONSECODE
feature_control(DWORD code, struct wbuf *answer)
{
	size_t i;

	for (i = 0; i < sizeof controls / sizeof controls[0]; i++) {
		if (controls[i].code == code) {
			controls[i].put(answer);
			return wbuf_ok(answer) ? IFD_SUCCESS : IFD_ERROR_INSUFFICIENT_BUFFER;
		}
	}
	return IFD_ERROR_NOT_SUPPORTED;
}
