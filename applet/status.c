/* SPDX-License-Identifier: BSD-2-Clause */
#include "applet/status.h"

void
pin_forget(struct piv *p)
{
	p->status &= ~(unsigned)(ACCESS_PIN | ACCESS_FRESH);
	vault_forget(p->vault);
}

void
pin_disarm(struct piv *p)
{
	p->status &= ~(unsigned)ACCESS_FRESH;
	vault_disarm(p->vault);
}

void
nonce_forget(struct piv *p)
{
	p->admin_step = ADMIN_IDLE;
	secret_clear(&p->admin_nonce);
}
