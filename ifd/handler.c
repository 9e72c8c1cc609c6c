/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The entry points pcscd calls, and nothing else: arguments are checked here,
 * the work is in slots.c, poll.c, capabilities.c and features.c.
 */
#include "ifd/capabilities.h"
#include "ifd/features.h"
#include "ifd/slots.h"

#include <reader.h>

#define EXPORT __attribute__((visibility("default")))

EXPORT RESPONSECODE
IFDHCreateChannelByName(DWORD Lun, LPSTR DeviceName)
{
	return slot_open(Lun, DeviceName);
}

EXPORT RESPONSECODE
IFDHCreateChannel(DWORD Lun, DWORD Channel)
{
	(void)Channel;
	return slot_open(Lun, DEVICE_PREFIX TPMVSC_CONF);
}

EXPORT RESPONSECODE
IFDHCloseChannel(DWORD Lun)
{
	return slot_close(Lun);
}

EXPORT RESPONSECODE
IFDHGetCapabilities(DWORD Lun, DWORD Tag, PDWORD Length, PUCHAR Value)
{
	struct wbuf value;
	RESPONSECODE rc;

	if (Length == NULL)
		return IFD_COMMUNICATION_ERROR;
	value = wbuf_over(Value, Value != NULL ? *Length : 0);
	rc = capability_get(Lun, Tag, &value);
	/* For some tags we do not know pcscd answers itself, into the same room. */
	if (rc != IFD_ERROR_TAG)
		*Length = rc == IFD_SUCCESS ? value.len : 0;
	return rc;
}

EXPORT RESPONSECODE
IFDHSetCapabilities(DWORD Lun, DWORD Tag, DWORD Length, PUCHAR Value)
{
	(void)Lun;
	(void)Length;
	(void)Value;
	return capability_set(Tag);
}

EXPORT RESPONSECODE
IFDHSetProtocolParameters(
    DWORD Lun, DWORD Protocol, UCHAR Flags, UCHAR PTS1, UCHAR PTS2, UCHAR PTS3)
{
	struct slot *slot = slot_lock(Lun);
	RESPONSECODE rc;

	/* No line, hence no speed to agree on. */
	(void)Flags;
	(void)PTS1;
	(void)PTS2;
	(void)PTS3;
	if (slot == NULL)
		return IFD_NO_SUCH_DEVICE;
	if (Protocol != SCARD_PROTOCOL_T0 && Protocol != SCARD_PROTOCOL_T1)
		rc = IFD_PROTOCOL_NOT_SUPPORTED;
	else
		rc = slot->powered ? IFD_SUCCESS : IFD_ERROR_PTS_FAILURE;
	slot_unlock(slot);
	return rc;
}

static RESPONSECODE
power(struct slot *slot, DWORD action, struct wbuf *atr)
{
	RESPONSECODE rc;

	switch (action) {
	case IFD_POWER_DOWN:
		slot_power_down(slot);
		return IFD_SUCCESS;
	case IFD_POWER_UP:
	case IFD_RESET:
		wbuf_put(atr, card_atr());
		if (!wbuf_ok(atr))
			return IFD_ERROR_INSUFFICIENT_BUFFER;
		rc = slot_power_up(slot);
		if (rc != IFD_SUCCESS)
			wbuf_truncate(atr, 0);
		return rc;
	default:
		return IFD_NOT_SUPPORTED;
	}
}

EXPORT RESPONSECODE
IFDHPowerICC(DWORD Lun, DWORD Action, PUCHAR Atr, PDWORD AtrLength)
{
	struct slot *slot;
	struct wbuf atr;
	RESPONSECODE rc;

	if (AtrLength == NULL)
		return IFD_COMMUNICATION_ERROR;
	atr = wbuf_over(Atr, Atr != NULL ? *AtrLength : 0);
	*AtrLength = 0;
	slot = slot_lock(Lun);
	if (slot == NULL)
		return IFD_NO_SUCH_DEVICE;
	rc = power(slot, Action, &atr);
	slot_unlock(slot);
	if (rc == IFD_SUCCESS)
		*AtrLength = atr.len;
	return rc;
}

EXPORT RESPONSECODE
IFDHTransmitToICC(DWORD Lun, SCARD_IO_HEADER SendPci, PUCHAR TxBuffer, DWORD TxLength,
    PUCHAR RxBuffer, PDWORD RxLength, PSCARD_IO_HEADER RecvPci)
{
	struct slot *slot;
	struct wbuf rapdu;
	RESPONSECODE rc;

	if (RxLength == NULL)
		return IFD_COMMUNICATION_ERROR;
	rapdu = wbuf_over(RxBuffer, *RxLength);
	*RxLength = 0;
	if (TxBuffer == NULL || RxBuffer == NULL)
		return IFD_COMMUNICATION_ERROR;
	/* Refused before the card acts, for not even the status would fit. */
	if (rapdu.cap < 2)
		return IFD_ERROR_INSUFFICIENT_BUFFER;
	slot = slot_lock(Lun);
	if (slot == NULL)
		return IFD_NO_SUCH_DEVICE;
	rc = slot_transmit(slot, rbuf_of(TxBuffer, TxLength), &rapdu);
	slot_unlock(slot);
	if (rc != IFD_SUCCESS)
		return rc;
	*RxLength = rapdu.len;
	if (RecvPci != NULL)
		RecvPci->Protocol = SendPci.Protocol;
	return IFD_SUCCESS;
}

EXPORT RESPONSECODE
IFDHICCPresence(DWORD Lun)
{
	struct slot *slot = slot_lock(Lun);
	RESPONSECODE rc;

	if (slot == NULL)
		return IFD_NO_SUCH_DEVICE;
	rc = slot_presence(slot);
	slot_unlock(slot);
	return rc;
}

EXPORT RESPONSECODE
IFDHControl(DWORD Lun, DWORD dwControlCode, PUCHAR TxBuffer, DWORD TxLength, PUCHAR RxBuffer,
    DWORD RxLength, LPDWORD pdwBytesReturned)
{
	struct slot *slot = slot_lock(Lun);
	struct wbuf answer;
	RESPONSECODE rc;

	/* None of the codes has parameters. */
	(void)TxBuffer;
	(void)TxLength;
	if (pdwBytesReturned != NULL)
		*pdwBytesReturned = 0;
	if (slot == NULL)
		return IFD_NO_SUCH_DEVICE;
	slot_unlock(slot);
	if (pdwBytesReturned == NULL)
		return IFD_COMMUNICATION_ERROR;
	answer = wbuf_over(RxBuffer, RxBuffer != NULL ? RxLength : 0);
	rc = feature_control(dwControlCode, &answer);
	if (rc == IFD_SUCCESS)
		*pdwBytesReturned = answer.len;
	return rc;
}
