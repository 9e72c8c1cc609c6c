/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The templates that endorsement keys are made by, again and again the same
 * key: TCG EK Credential Profile, B.3.3 (L-1: RSA-2048), B.3.4 (L-2: P-256) and
 * B.4.5 (H-3: P-384).
 */
#ifndef TPMVSC_TPM_EKTEMPLATE_H
#define TPMVSC_TPM_EKTEMPLATE_H

#include <tss2/tss2_tpm2_types.h>

enum ek_kind { EK_RSA_2048, EK_P256, EK_P384, EK_KINDS };

/* The template, with the unique field that TPM2_CreatePrimary wants of it. */
const TPMT_PUBLIC *ek_template(enum ek_kind kind);

#endif
