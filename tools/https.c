/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/https.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

#define ADDRESS_MAX 512
#define REASON_MAX  160

/* ---- the URL ---- */

/* The part of a URL; NULL when it has none.  curl_free() it. */
static char *
part(CURLU *url, CURLUPart what)
{
	char *text = NULL;

	return curl_url_get(url, what, &text, 0) == CURLUE_OK ? text : NULL;
}

static bool
has(CURLU *url, CURLUPart what)
{
	char *text = part(url, what);
	const bool there = text != NULL;

	curl_free(text);
	return there;
}

/* A name may be anybody's in the end; an address of this machine is not. */
static bool
is_loopback(const char *host)
{
	struct in_addr four;

	if (inet_pton(AF_INET, host, &four) == 1)
		return ntohl(four.s_addr) >> 24 == 127;
	return strcmp(host, "[::1]") == 0;
}

static const char *
fault_of(CURLU *url)
{
	char *scheme = part(url, CURLUPART_SCHEME), *host = part(url, CURLUPART_HOST);
	const char *fault = NULL;

	if (scheme == NULL || host == NULL)
		fault = "it is not a URL";
	else if (strcmp(scheme, "https") != 0 && strcmp(scheme, "http") != 0)
		fault = "it is not an https:// URL";
	else if (strcmp(scheme, "http") == 0 && !is_loopback(host))
		fault = "it is http://, which anybody on the way can read and change: use https://";
	else if (has(url, CURLUPART_USER) || has(url, CURLUPART_PASSWORD))
		fault = "it has a user name or a password in it";
	else if (has(url, CURLUPART_QUERY) || has(url, CURLUPART_FRAGMENT))
		fault = "it has a ? or a # in it";
	curl_free(scheme);
	curl_free(host);
	return fault;
}

const char *
https_fault(const char *text)
{
	const char *fault = "it is not a URL";
	CURLU *url = curl_url();

	if (url == NULL)
		return "out of memory";
	if (strlen(text) + sizeof "/attest" < ADDRESS_MAX &&
	    curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK)
		fault = fault_of(url);
	curl_url_cleanup(url);
	return fault;
}

/* ---- the call ---- */

struct taking {
	struct wbuf *out;
	size_t left; /* of HTTPS_ANSWER_MAX */
};

/* curl wants as many octets taken as it gives; anything else ends the transfer. */
static size_t
take(char *data, size_t one, size_t n, void *context)
{
	struct taking *t = context;

	if (n > t->left)
		return 0;
	t->left -= n;
	wbuf_put(t->out, rbuf_of(data, n * one));
	return wbuf_ok(t->out) ? n : 0;
}

/* curl's setters take many types; each is named here. */
static bool
set_number(CURL *curl, CURLoption option, long value)
{
	return curl_easy_setopt(curl, option, value) == CURLE_OK;
}

static bool
set_text(CURL *curl, CURLoption option, const char *value)
{
	return curl_easy_setopt(curl, option, value) == CURLE_OK;
}

/* What holds of every call. */
static bool
set_rules(CURL *curl, const char *address)
{
	return set_text(curl, CURLOPT_URL, address) &&
	       set_text(curl, CURLOPT_PROTOCOLS_STR, "http,https") &&
	       set_text(curl, CURLOPT_PROXY, "") && /* nor the environment's */
	       set_text(curl, CURLOPT_USERAGENT, "tpmvscmgr/" PACKAGE_VERSION) &&
	       set_number(curl, CURLOPT_FOLLOWLOCATION, 0) &&
	       set_number(curl, CURLOPT_SSL_VERIFYPEER, 1) &&
	       set_number(curl, CURLOPT_SSL_VERIFYHOST, 2) &&
	       set_number(curl, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2) &&
	       set_number(curl, CURLOPT_CONNECTTIMEOUT, HTTPS_CONNECT_S) &&
	       set_number(curl, CURLOPT_TIMEOUT, HTTPS_WHOLE_S) &&
	       set_number(curl, CURLOPT_NOSIGNAL, 1);
}

static bool
set_body(CURL *curl, const struct curl_slist *headers, struct rbuf body, struct taking *taking)
{
	return curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers) == CURLE_OK &&
	       set_number(curl, CURLOPT_POST, 1) &&
	       curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len) ==
		   CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.data) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_WRITEDATA, taking) == CURLE_OK;
}

/* With all that curl has to know. */
static enum outcome
perform(CURL *curl, const char *address, struct wbuf *answer, size_t before, struct failure *why)
{
	char error[CURL_ERROR_SIZE] = "", reason[REASON_MAX + 1] = "";
	struct wbuf clean = wbuf_over(reason, REASON_MAX);
	struct rbuf said, mine;
	long status = 0;
	CURLcode code;

	(void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
	code = curl_easy_perform(curl);
	(void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, NULL);
	if (code == CURLE_WRITE_ERROR) {
		fail(why, "%s: its answer is longer than an attestation CA's is", address);
		return FAILED;
	}
	if (code != CURLE_OK) {
		fail(why, "%s: %s", address, error[0] != '\0' ? error : curl_easy_strerror(code));
		return FAILED;
	}
	(void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	if (status == 200)
		return DONE;
	/* Some say what is wrong. */
	said = wbuf_view(answer);
	if (rbuf_take(&said, before, &mine))
		text_clean(
		    rbuf_of(said.data, said.len < REASON_MAX ? said.len : REASON_MAX), &clean);
	fail(why, "%s: it answers with status %ld%s%s", address, status,
	    reason[0] != '\0' ? ": " : "", reason);
	return FAILED;
}

/* URL/call, whether or not the URL ends in a slash. */
static bool
join(const char *url, const char *call, char *out, size_t size)
{
	size_t n = strlen(url);
	int len;

	while (n != 0 && url[n - 1] == '/')
		n--;
	len = snprintf(out, size, "%.*s/%s", (int)n, url, call);
	return len > 0 && (size_t)len < size;
}

enum outcome
https_post(
    const char *url, const char *call, struct rbuf body, struct wbuf *answer, struct failure *why)
{
	struct taking taking = { .out = answer, .left = HTTPS_ANSWER_MAX };
	const size_t before = answer->len;
	const char *fault = https_fault(url);
	struct curl_slist *headers = NULL;
	enum outcome outcome = FAILED;
	char address[ADDRESS_MAX];
	CURL *curl = NULL;

	if (fault == NULL && !join(url, call, address, sizeof address))
		fault = "it is too long";
	if (fault != NULL) {
		fail(why, "%s: %s", url, fault);
		return FAILED;
	}
	if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK) {
		curl = curl_easy_init();
		headers = curl_slist_append(NULL, "Content-Type: application/json");
	}
	if (curl != NULL && headers != NULL && set_rules(curl, address) &&
	    set_body(curl, headers, body, &taking))
		outcome = perform(curl, address, answer, before, why);
	else
		fail(why, "%s: out of memory", address);
	if (outcome != DONE)
		wbuf_truncate(answer, before);
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
	return outcome;
}
