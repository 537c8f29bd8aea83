/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_xenpci.c -- xen/xenpci.c against a device model that is played here: PCI
 * functions, and the ports of the unplug protocol.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dev.h"
#include "xenpci.h"

#define PLATFORM	0x00015853u
#define VIRTIO_BLK	0x10011af4u
#define VIRTIO_NET	0x10001af4u
#define NOTHING		(-1)

static struct {
	uint32_t	 id[32][8];	/* 0: no function */
	uint8_t		 class[32];
	uint32_t	 magic;
	uint8_t		 version;
	bool		 refuses;	/* who is 0xffff */
	bool		 wild;		/* ports give anything .. */
	bool		 wildpci;	/* .. configuration space too */
	int		 unplugged;	/* mask, or NOTHING */
	bool		 introduced;
	unsigned int	 nread, nwrite, npciread;
} dm;
static const char *setting;
static const char *load;		/* of blkfront */
static bool have_vbd, have_vif;
static char said[2048];

/* ---- the library's surroundings ---------------------------------------- */

void
pv_log(const struct pv_dev *dev, enum pv_loglevel level, const char *fmt, ...)
{
	size_t len = strlen(said);
	va_list ap;

	(void)dev;
	(void)level;
	va_start(ap, fmt);
	(void)vsnprintf(said + len, sizeof(said) - len, fmt, ap);
	va_end(ap);
}

const struct pv_driver *
pv_conf_find(const char *match)
{
	static const struct pv_driver vbd = { .dv_load = "blkfront_load" };
	static const struct pv_driver vif;

	if (strcmp(match, "vbd") == 0)
		return have_vbd ? &vbd : NULL;
	assert_string_equal(match, "vif");
	return have_vif ? &vif : NULL;
}

bool
xen_pv(const struct xen *x)
{
	return (x->x_boot.xb_flags & PV_XEN_PV) != 0;
}

/* ---- the device model -------------------------------------------------- */

uint32_t
pv_os_pci_read(pv_pci_t pci, unsigned int reg, unsigned int width)
{
	unsigned int slot = pci >> 3, fn = pci & 7;

	dm.npciread++;
	assert_true(slot < 32);
	if (dm.wildpci)
		return (uint32_t)rand() * 3 >> (32 - 8 * width);
	if (dm.id[slot][fn] == 0)
		return ~0u >> (32 - 8 * width);
	switch (reg) {
	case 0x00:
		return dm.id[slot][fn];
	case 0x0b:
		return dm.class[slot];
	case 0x0e:
		return fn == 0 && dm.id[slot][1] != 0 ? 0x80 : 0;
	default:
		return 0;
	}
}

uint32_t
pv_os_pio_read(uint16_t port, unsigned int width)
{
	dm.nread++;
	if (dm.wild && rand() % 2)
		return (uint32_t)rand() & (0xffffffffu >> (32 - 8 * width));
	if (port == 0x10 && width == 2)
		return dm.magic;
	assert_int_equal(port, 0x12);
	assert_int_equal(width, 1);
	return dm.wild ? (uint32_t)rand() % 3 : dm.version;
}

void
pv_os_pio_write(uint16_t port, unsigned int width, uint32_t val)
{
	dm.nwrite++;
	if (port == 0x12) {
		assert_int_equal(width, 2);
		assert_int_equal(val, 0xffff);
		dm.introduced = true;
		if (dm.refuses)
			dm.magic = 0xd249;
	} else if (width == 2) {
		assert_int_equal(port, 0x10);
		assert_true(dm.unplugged == NOTHING || dm.wild);
		dm.unplugged = (int)val;
	} else {
		assert_int_equal(width, 4);
	}
}

/* ---- tests ------------------------------------------------------------- */

static const char *
get(const char *name)
{
	if (strcmp(name, "xenpci.unplug") == 0)
		return setting;
	return strcmp(name, "blkfront_load") == 0 ? load : NULL;
}

static void
blk_up(struct pv_blk *bk)
{
	(void)bk;
}

static void
net_up(struct pv_net *nt)
{
	(void)nt;
}

static const struct pv_client client = {
	.pc_setting = get, .pc_blk_up = blk_up, .pc_net_up = net_up
};
static struct xen xen;

static int
setup(void **state)
{
	(void)state;
	memset(&dm, 0, sizeof(dm));
	dm.id[0][0] = 0x12378086;
	dm.id[1][0] = 0x70008086;
	dm.id[1][1] = 0x70108086;
	dm.id[2][0] = PLATFORM;
	dm.id[3][0] = 0x813910ec;
	dm.class[3] = 2;
	dm.magic = 0x49d2;
	dm.version = 1;
	dm.unplugged = NOTHING;
	setting = load = NULL;
	have_vbd = have_vif = true;
	said[0] = '\0';
	xen = (struct xen){ .x_client = &client };
	return 0;
}

static void
unplugs_both(void **state)
{
	(void)state;
	xenpci_unplug(&xen);
	assert_true(dm.introduced);
	assert_int_equal(dm.unplugged, 1 | 2 | 8);
	assert_non_null(strstr(said, "disks nics"));
	/* Resumed elsewhere, where they are back. */
	dm.unplugged = NOTHING;
	xenpci_unplug(&xen);
	assert_int_equal(dm.unplugged, 1 | 2 | 8);
}

static void
version_0_has_no_names(void **state)
{
	(void)state;
	dm.version = 0;
	xenpci_unplug(&xen);
	assert_false(dm.introduced);
	assert_int_equal(dm.unplugged, 1 | 2 | 8);
}

static void
nothing_touched(void)
{
	assert_int_equal(dm.nread, 0);
	assert_int_equal(dm.nwrite, 0);
	assert_string_equal(said, "");
}

static void
no_platform_device(void **state)
{
	(void)state;
	dm.id[2][0] = 0;
	xenpci_unplug(&xen);
	nothing_touched();
	assert_true(dm.npciread < 200);
}

static void
not_ours(void **state)
{
	(void)state;
	xen.x_boot.xb_flags = PV_XEN_PV;
	xenpci_unplug(&xen);
	xen.x_boot.xb_flags = PV_XEN_DOM0;
	xenpci_unplug(&xen);
	nothing_touched();
	assert_int_equal(dm.npciread, 0);
}

static void
only_what_is_driven(void **state)
{
	static const struct pv_client disks_only = { .pc_blk_up = blk_up };

	(void)state;
	have_vif = false;
	xenpci_unplug(&xen);
	assert_int_equal(dm.unplugged, 1 | 8);
	(void)setup(state);
	have_vbd = false;
	xenpci_unplug(&xen);
	assert_int_equal(dm.unplugged, 2);
	(void)setup(state);
	load = "NO";
	xenpci_unplug(&xen);
	assert_int_equal(dm.unplugged, 2);
	(void)setup(state);
	xen.x_client = &disks_only;
	xenpci_unplug(&xen);
	assert_int_equal(dm.unplugged, 1 | 8);
	(void)setup(state);
	have_vbd = have_vif = false;
	xenpci_unplug(&xen);
	nothing_touched();
}

static void
virtio_is_kept(void **state)
{
	(void)state;
	dm.id[4][0] = VIRTIO_BLK;
	dm.class[4] = 1;
	xenpci_unplug(&xen);
	assert_int_equal(dm.unplugged, 2);
	assert_non_null(strstr(said, "virtio disks"));
	(void)setup(state);
	dm.id[31][0] = VIRTIO_NET;
	dm.class[31] = 2;
	xenpci_unplug(&xen);
	assert_int_equal(dm.unplugged, 1 | 8);
	assert_non_null(strstr(said, "virtio NICs"));
	/* Said so, they go. */
	(void)setup(state);
	dm.id[4][0] = VIRTIO_BLK;
	dm.class[4] = 1;
	setting = "disks";
	xenpci_unplug(&xen);
	assert_int_equal(dm.unplugged, 1 | 8);
	/* Other functions of virtio do not count. */
	(void)setup(state);
	dm.id[4][0] = VIRTIO_BLK;
	dm.class[4] = 0xff;
	xenpci_unplug(&xen);
	assert_int_equal(dm.unplugged, 1 | 2 | 8);
}

static void
settings(void **state)
{
	static const struct {
		const char *text;
		int mask;
	} good[] = {
		{ "disks", 9 }, { "nics", 2 }, { "aux-disks", 4 },
		{ "disks,nics", 11 }, { "nics,aux-disks", 6 },
		{ "never", NOTHING }
	}, bad[] = {
		{ "", 11 }, { "disk", 11 }, { "disks,", 11 }, { ",", 11 },
		{ "disks nics", 11 }, { "nicsx", 11 }, { "NEVER", 11 }
	};
	unsigned int i;

	for (i = 0; i < PV_NELEM(good); i++) {
		(void)setup(state);
		setting = good[i].text;
		xenpci_unplug(&xen);
		assert_int_equal(dm.unplugged, good[i].mask);
		assert_null(strstr(said, "not understood"));
	}
	for (i = 0; i < PV_NELEM(bad); i++) {
		(void)setup(state);
		setting = bad[i].text;
		xenpci_unplug(&xen);
		assert_int_equal(dm.unplugged, bad[i].mask);
		assert_non_null(strstr(said, "not understood"));
	}
}

static void
refused(void **state)
{
	(void)state;
	dm.refuses = true;
	xenpci_unplug(&xen);
	assert_int_equal(dm.unplugged, NOTHING);
	assert_non_null(strstr(said, "refuses"));
}

static void
strangers(void **state)
{
	static const uint32_t magic[] = { 0xffff, 0, 0xd249, 0x49d3 };
	unsigned int i;

	for (i = 0; i < PV_NELEM(magic); i++) {
		(void)setup(state);
		dm.magic = magic[i];
		xenpci_unplug(&xen);
		assert_int_equal(dm.nwrite, 0);
		assert_non_null(strstr(said, "does not unplug"));
	}
	for (i = 2; i < 256; i++) {
		(void)setup(state);
		dm.version = (uint8_t)i;
		xenpci_unplug(&xen);
		assert_int_equal(dm.nwrite, 0);
		assert_non_null(strstr(said, "not known"));
	}
}

/* Whatever the machine answers, it ends, soon, with at most one unplug. */
static void
garbage(void **state)
{
	unsigned int seed, done = 0;

	for (seed = 0; seed < 500; seed++) {
		(void)setup(state);
		srand(seed);
		dm.wild = true;
		dm.wildpci = seed % 4 == 0;
		if (seed % 2 != 0)
			dm.magic = (uint32_t)rand() & 0xffff;
		xenpci_unplug(&xen);
		assert_true(dm.npciread <= 32 * 8 * 3);
		assert_true(dm.nread <= 3);
		assert_true(dm.nwrite <= 3);
		done += dm.unplugged != NOTHING;
	}
	assert_true(done > 10 && done < 490);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(unplugs_both, setup),
		cmocka_unit_test_setup(version_0_has_no_names, setup),
		cmocka_unit_test_setup(no_platform_device, setup),
		cmocka_unit_test_setup(not_ours, setup),
		cmocka_unit_test_setup(only_what_is_driven, setup),
		cmocka_unit_test_setup(virtio_is_kept, setup),
		cmocka_unit_test_setup(settings, setup),
		cmocka_unit_test_setup(refused, setup),
		cmocka_unit_test_setup(strangers, setup),
		cmocka_unit_test_setup(garbage, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
