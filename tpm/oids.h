/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Object identifiers of certificate extensions of this project's own.  They are
 * below a UUID (ITU-T X.667: 2.25 and the UUID as a number), which nobody has
 * to assign: 6e235a53-6921-4651-bd6b-b8f030446dd1, drawn at random (version 4)
 * for this purpose.
 */
#ifndef TPMVSC_TPM_OIDS_H
#define TPMVSC_TPM_OIDS_H

#define OID_TPMVSC "2.25.146398641951727434977473311781048053201"

/* Evidence about one key and its card, in the certificate that INS F9 gives: tpm/certify.h. */
#define OID_EVIDENCE OID_TPMVSC ".1"

/* In an AK's certificate: which EK the authority saw.  OCTET STRING, the SHA-256 of its SubjectPublicKeyInfo. */
#define OID_SEEN_EK OID_TPMVSC ".2"

#endif
