/* SPDX-License-Identifier: BSD-2-Clause */
#include "applet/sw.h"

static const sw_t of_vault[] = {
	[VAULT_OK] = SW_OK,
	[VAULT_AUTH] = SW_SECURITY_STATUS_NOT_SATISFIED,
	[VAULT_BLOCKED] = SW_BLOCKED,
	[VAULT_ABSENT] = SW_REFERENCE_NOT_FOUND,
	[VAULT_MISMATCH] = SW_INCORRECT_DATA,
	[VAULT_UNSUPPORTED] = SW_INCORRECT_DATA,
	[VAULT_FULL] = SW_NOT_ENOUGH_MEMORY,
	[VAULT_FAULT] = SW_NO_DIAGNOSIS,
};

static const sw_t of_store[] = {
	[STORE_OK] = SW_OK,
	[STORE_ABSENT] = SW_NOT_FOUND,
	[STORE_FULL] = SW_NOT_ENOUGH_MEMORY,
	[STORE_FAULT] = SW_NO_DIAGNOSIS,
};

sw_t
sw_of_vault(enum vault_err err)
{
	return (size_t)err < sizeof of_vault / sizeof of_vault[0] ? of_vault[err]
								  : (sw_t)SW_NO_DIAGNOSIS;
}

sw_t
sw_of_store(enum store_err err)
{
	return (size_t)err < sizeof of_store / sizeof of_store[0] ? of_store[err]
								  : (sw_t)SW_NO_DIAGNOSIS;
}
