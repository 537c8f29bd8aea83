/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio_setting.c -- what the operator sets for all virtio devices.
 *
 *	hw.virtio.features_off=WORD[,WORD ..]
 *		features that are refused though the device offers them: a
 *		name of virtio_features[], a bit's number, or, for devices of
 *		one type only, TYPE:NUMBER
 *	hw.virtio.queue_size=N
 *		entries that are used of larger queues
 */

#include "setting.h"
#include "virtio.h"

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

static const struct virtio_feature {
	const char	*vf_name;
	unsigned int	 vf_bit;
} virtio_features[] = {
	{ "indirect_desc", VIRTIO_RING_F_INDIRECT_DESC },
	{ "event_idx", VIRTIO_RING_F_EVENT_IDX },
	{ "version_1", VIRTIO_F_VERSION_1 },
	{ "access_platform", VIRTIO_F_ACCESS_PLATFORM },
	{ "packed", VIRTIO_F_RING_PACKED },
	{ "in_order", VIRTIO_F_IN_ORDER },
	{ "order_platform", VIRTIO_F_ORDER_PLATFORM },
	{ "notification_data", VQ_F_NOTIFICATION_DATA },
	{ "ring_reset", VIRTIO_F_RING_RESET },
};

/* TYPE:NUMBER or NUMBER; true with *bits, which are 0 for another type. */
static bool
virtio_setting_number(const char *word, size_t len, uint32_t type,
    uint64_t *bits)
{
	uint64_t of = type, n;
	size_t colon;

	for (colon = 0; colon < len && word[colon] != ':'; colon++)
		;
	if (colon < len) {
		if (str_num(word, colon, 1, UINT32_MAX, &of) != 0)
			return false;
		word += colon + 1;
		len -= colon + 1;
	}
	if (str_num(word, len, 0, 63, &n) != 0)
		return false;
	*bits = of == type ? 1ull << n : 0;
	return true;
}

static uint64_t
virtio_setting_word(const char *word, size_t len, uint32_t type)
{
	char text[SETTING_NAME];
	struct strbuf sb;
	uint64_t bits;
	unsigned int i;

	for (i = 0; i < PV_NELEM(virtio_features); i++) {
		if (str_eqn(word, len, virtio_features[i].vf_name))
			return 1ull << virtio_features[i].vf_bit;
	}
	if (virtio_setting_number(word, len, type, &bits))
		return bits;
	str_begin(&sb, text, sizeof(text));
	str_addn(&sb, word, len);
	pv_log(NULL, PV_LOG_WARN, "hw.virtio.features_off: \"%s\" is no "
	    "feature: give a name of virtio(4), a bit or TYPE:BIT", text);
	return 0;
}

/*
 * virtio_features_off -- the features that the operator does not want
 *
 * Context: thread.
 */
uint64_t
virtio_features_off(const struct virtio *vi)
{
	const struct pv_client *client = vi->vi_client;
	const char *p, *end;
	uint64_t off = 0;

	if (client->pc_setting == NULL)
		return 0;
	p = client->pc_setting("hw.virtio.features_off");
	for (; p != NULL && *p != '\0'; p = *end == ',' ? end + 1 : end) {
		for (end = p; *end != '\0' && *end != ','; end++)
			;
		if (end != p)
			off |= virtio_setting_word(p, (size_t)(end - p),
			    vi->vi_type);
	}
	return off;
}

/*
 * virtio_queue_wish -- entries that are used of a larger queue
 *
 * wish is the driver's; 0: it has none.  Context: thread.
 */
unsigned int
virtio_queue_wish(const struct virtio *vi, unsigned int wish)
{
	static const int64_t range[2] = { 2, VQ_SIZE_MAX };
	int64_t n = pv_setting_num(vi->vi_client, "hw.virtio.queue_size",
	    range, wish == 0 ? VQ_SIZE_WISH : wish);

	/* Split queues have a power of two. */
	while (n > 1 && (n & (n - 1)) != 0 &&
	    !virtio_has(vi, VIRTIO_F_RING_PACKED))
		n &= n - 1;
	return (unsigned int)n;
}
