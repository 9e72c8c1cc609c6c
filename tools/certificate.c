/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/certificate.h"

#include "base/text.h"
#include "tools/names.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/pem.h>
#include <string.h>

/* Put a text that somebody else wrote into size octets, clean and ended. */
static void
put_clean(struct rbuf text, char *out, size_t size)
{
	static const char more[] = "...";
	struct wbuf clean = wbuf_over(out, size - sizeof more);

	text_clean(text, &clean);
	if (!wbuf_ok(&clean)) {
		clean.overflow = false;
		clean.cap = size - 1;
		wbuf_put(&clean, rbuf_str(more));
	}
	out[clean.len] = '\0';
}

/* What needs an escape gets one, except letters beyond ASCII: those are cleaned. */
static void
put_name(const X509_NAME *name, char *out, size_t size)
{
	const unsigned long flags = XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB;
	BIO *bio = BIO_new(BIO_s_mem());
	char *data = NULL;
	long len = 0;

	if (bio != NULL && X509_NAME_print_ex(bio, name, 0, flags) >= 0)
		len = BIO_get_mem_data(bio, &data);
	put_clean(rbuf_of(data, len > 0 ? (size_t)len : 0), out, size);
	BIO_free(bio);
}

static void
put_serial(const X509 *certificate, char *out, size_t size)
{
	BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), NULL);
	char *hex = number != NULL ? BN_bn2hex(number) : NULL;

	put_clean(rbuf_str(hex != NULL ? hex : ""), out, size);
	OPENSSL_free(hex);
	BN_free(number);
}

static void
put_time(const ASN1_TIME *time, char *out, size_t size)
{
	struct tm tm;

	out[0] = '\0';
	if (time == NULL || ASN1_TIME_to_tm(time, &tm) != 1 ||
	    strftime(out, size, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		out[0] = '\0';
}

static void
put_digest(const X509 *certificate, char *out, size_t size)
{
	struct wbuf text = wbuf_over(out, size - 1);
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned len = 0, i;

	if (X509_digest(certificate, EVP_sha256(), digest, &len) != 1)
		len = 0;
	for (i = 0; i < len; i++)
		put_words(&text, "%02x", digest[i]);
	out[text.len] = '\0';
}

/* ASN1_TIME_diff() counts whole days and the seconds beyond them, both of one sign. */
static void
judge(const X509 *certificate, time_t now, struct certificate_facts *out)
{
	ASN1_TIME *at = ASN1_TIME_set(NULL, now);
	int days = 0, seconds = 0;

	out->state = CERTIFICATE_EXPIRED;
	if (at == NULL || ASN1_TIME_diff(&days, &seconds, at, X509_get0_notAfter(certificate)) != 1)
		goto out;
	out->days_left = days;
	if (days < 0 || seconds < 0)
		goto out;
	if (ASN1_TIME_diff(&days, &seconds, at, X509_get0_notBefore(certificate)) != 1)
		goto out;
	out->state = days > 0 || seconds > 0 ? CERTIFICATE_EARLY : CERTIFICATE_VALID;
out:
	ASN1_TIME_free(at);
}

void
certificate_read(X509 *certificate, time_t now, struct certificate_facts *out)
{
	*out = (struct certificate_facts){ .subject = "" };
	put_name(X509_get_subject_name(certificate), out->subject, sizeof out->subject);
	put_name(X509_get_issuer_name(certificate), out->issuer, sizeof out->issuer);
	put_serial(certificate, out->serial, sizeof out->serial);
	put_time(X509_get0_notBefore(certificate), out->from, sizeof out->from);
	put_time(X509_get0_notAfter(certificate), out->until, sizeof out->until);
	put_digest(certificate, out->sha256, sizeof out->sha256);
	judge(certificate, now, out);
}

const char *
certificate_state_name(enum certificate_state state)
{
	switch (state) {
	case CERTIFICATE_VALID:
		return "valid";
	case CERTIFICATE_EARLY:
		return "not-yet-valid";
	case CERTIFICATE_EXPIRED:
		return "expired";
	}
	return "?";
}

bool
certificate_pem(X509 *certificate, struct wbuf *out)
{
	BIO *bio = BIO_new(BIO_s_mem());
	const size_t before = out->len;
	char *data = NULL;
	long len = 0;

	if (bio != NULL && PEM_write_bio_X509(bio, certificate) == 1)
		len = BIO_get_mem_data(bio, &data);
	if (len > 0)
		wbuf_put(out, rbuf_of(data, (size_t)len));
	BIO_free(bio);
	if (len > 0 && wbuf_ok(out))
		return true;
	wbuf_truncate(out, before);
	return false;
}
