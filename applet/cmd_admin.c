/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who the administrator is, is settled with the card management key (9B):
 * external authentication (challenge, response) or mutual (witness, challenge,
 * response).  A nonce serves for one answer, right or wrong.
 */
#include "applet/auth.h"
#include "applet/status.h"

#define BLOCK_MAX 16

/* A fresh nonce of one block, kept until it is answered. */
static enum vault_err
keep_nonce(struct piv *p, const struct auth *a, enum admin_step step)
{
	uint8_t octets[BLOCK_MAX];
	struct wbuf nonce = wbuf_over(octets, sizeof octets);
	enum vault_err err = vault_random(p->vault, a->key.algorithm->size, &nonce);

	if (err == VAULT_OK && nonce.len != a->key.algorithm->size)
		err = VAULT_FAULT;
	if (err == VAULT_OK && secret_set(&p->admin_nonce, wbuf_view(&nonce)))
		p->admin_step = step;
	wbuf_wipe(&nonce);
	return err;
}

/* Encrypt one block with 9B; exactly one block comes out, or it is a fault. */
static enum vault_err
encrypt(struct piv *p, const struct auth *a, struct rbuf block, struct wbuf *out)
{
	size_t before = out->len;
	enum vault_err err = vault_encrypt(p->vault, a->key.octets, block, out);

	if (err == VAULT_OK && out->len - before != a->key.algorithm->size)
		err = VAULT_FAULT;
	return err;
}

sw_t
auth_give_challenge(struct piv *p, const struct auth *a, struct wbuf *out)
{
	enum vault_err err = keep_nonce(p, a, ADMIN_CHALLENGED);

	if (err == VAULT_OK)
		tlv_put(out, 0x81, secret_view(&p->admin_nonce));
	return sw_of_vault(err);
}

sw_t
auth_check_response(struct piv *p, const struct auth *a, struct wbuf *out)
{
	uint8_t octets[BLOCK_MAX];
	struct wbuf expected = wbuf_over(octets, sizeof octets);
	sw_t sw = SW_SECURITY_STATUS_NOT_SATISFIED;
	enum vault_err err;

	(void)out;
	p->status &= ~(unsigned)ACCESS_ADMIN;
	if (a->step != ADMIN_CHALLENGED)
		return sw;
	err = encrypt(p, a, secret_view(a->nonce), &expected);
	if (err != VAULT_OK) {
		sw = sw_of_vault(err);
	} else if (rbuf_eq_secret(wbuf_view(&expected), a->fields[RESPONSE].value)) {
		p->status |= ACCESS_ADMIN;
		sw = SW_OK;
	}
	wbuf_wipe(&expected);
	return sw;
}

sw_t
auth_give_witness(struct piv *p, const struct auth *a, struct wbuf *out)
{
	enum vault_err err = keep_nonce(p, a, ADMIN_WITNESSED);
	size_t mark;

	if (err != VAULT_OK)
		return sw_of_vault(err);
	mark = tlv_open(out, 0x80);
	err = encrypt(p, a, secret_view(&p->admin_nonce), out);
	tlv_close(out, mark);
	if (err != VAULT_OK)
		nonce_forget(p); /* the host never saw it */
	return sw_of_vault(err);
}

sw_t
auth_check_witness(struct piv *p, const struct auth *a, struct wbuf *out)
{
	enum vault_err err;
	size_t mark;

	p->status &= ~(unsigned)ACCESS_ADMIN;
	if (a->step != ADMIN_WITNESSED ||
	    !rbuf_eq_secret(secret_view(a->nonce), a->fields[WITNESS].value))
		return SW_SECURITY_STATUS_NOT_SATISFIED;
	if (a->fields[CHALLENGE].value.len != a->key.algorithm->size)
		return SW_INCORRECT_DATA;
	mark = tlv_open(out, 0x82);
	err = encrypt(p, a, a->fields[CHALLENGE].value, out);
	tlv_close(out, mark);
	if (err == VAULT_OK)
		p->status |= ACCESS_ADMIN;
	return sw_of_vault(err);
}
