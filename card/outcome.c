/* SPDX-License-Identifier: BSD-2-Clause */
#include "card/parts.h"

enum outcome
outcome_of_tpm(enum tpm_err err)
{
	switch (err) {
	case TPM_OK:
		return DONE;
	case TPM_UNUSABLE:
		return TPM_PROBLEM;
	case TPM_DENIED:
		return NOT_PERMITTED;
	case TPM_NO_ROOM:
		return NO_ROOM;
	case TPM_RECORD:
		break;
	}
	return FAILED;
}

enum outcome
outcome_of_files(enum files_err err)
{
	switch (err) {
	case FILES_OK:
		return DONE;
	case FILES_DENIED:
		return NOT_PERMITTED;
	case FILES_FULL:
		return NO_ROOM;
	case FILES_ABSENT: /* of a card: its caller has asked files_has() before */
	case FILES_UNSAFE:
	case FILES_FAULT:
		break;
	}
	return FAILED;
}

enum outcome
outcome_of_store(enum store_err err)
{
	switch (err) {
	case STORE_OK:
		return DONE;
	case STORE_FULL:
		return NO_ROOM;
	case STORE_ABSENT:
	case STORE_FAULT:
		break;
	}
	return FAILED;
}

enum store_err
store_err_of(enum outcome outcome)
{
	switch (outcome) {
	case DONE:
		return STORE_OK;
	case NO_ROOM:
		return STORE_FULL;
	case FAILED:
	case WRONG_USAGE:
	case NO_SUCH_CARD:
	case TPM_PROBLEM:
	case NOT_PERMITTED:
	case WRONG_SECRET:
		break;
	}
	return STORE_FAULT;
}
