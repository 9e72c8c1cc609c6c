/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Object identifiers of certificate extensions of this project's own.  Nobody
 * assigned them: they follow from a UUID that was drawn at random (version 4) for
 * this purpose, 6e235a53-6921-4651-bd6b-b8f030446dd1, in the arc that Microsoft
 * keeps for that (4, 4, 4, 4, 4, 6 and 6 of its hexadecimal digits a number).  Below
 * 2.25 (ITU-T X.667) the UUID would be one number of 128 bits, and what reads
 * certificates for Python and others takes numbers of 32 bits.
 */
#ifndef TPMVSC_TPM_OIDS_H
#define TPMVSC_TPM_OIDS_H

#define OID_TPMVSC "1.2.840.113556.1.8000.2554.28195.23123.26913.18001.48491.12120112.4484561"

/* Evidence about one key and its card, in the certificate that INS F9 gives: tpm/certificate.h. */
#define OID_EVIDENCE OID_TPMVSC ".1"

/* In an AK's certificate: which EK the authority saw.  OCTET STRING, the SHA-256 of its SubjectPublicKeyInfo. */
#define OID_SEEN_EK OID_TPMVSC ".2"

#endif
