/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_pcihot.c -- arch/x86/hvm/pcihot*.c on a machine that is played here: PCI
 * functions with registers that can be sized, a router of interrupts, the
 * hot-plug registers, ACPI's tables.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/x86/hvm/pcihot.c"

#include <mm.h>

#define PORT		0xae00u
#define GPE		0xafe0u
#define SCI		9

struct fn {
	pv_pci_t	 f_pci;
	bool		 f_there;
	uint8_t		 f_cfg[256];
	uint64_t	 f_len[6];	/* of base address registers */
	unsigned int	 f_wide;	/* bits: those of 64 bits */
	bool		 f_wild;	/* any size */
};

static struct fn fns[16];
static unsigned int nfn;
static uint8_t dsdt[4096], fadt[128];
static uint32_t dsdtlen;
static uint32_t up[4], down[4], ejected[4], selected;
static uint8_t gpe_status, gpe_enable, pm1, smi;
static void (*intr)(void *);
static void (*thread)(void *);
static jmp_buf idle;
static pv_pci_t went[64];
static unsigned int ncame, nwent, nsem, nheap, neject;
static char said[4096];

struct boot_info mode_boot;

/* ---- the kernel around it ---------------------------------------------- */

void *
kmalloc(size_t len)
{
	nheap++;
	return calloc(1, len);
}

void
kfree(void *p)
{
	nheap -= p != NULL;
	free(p);
}

void
klog(enum pv_loglevel level, const char *fmt, ...)
{
	size_t len = strlen(said);
	va_list ap;

	(void)level;
	va_start(ap, fmt);
	(void)vsnprintf(said + len, sizeof(said) - len, fmt, ap);
	va_end(ap);
}

struct thread *
thread_create(const char *name, void (*fn)(void *), void *arg, size_t stack)
{
	(void)name;
	(void)arg;
	(void)stack;
	thread = fn;
	return (void *)&thread;
}

int
sem_wait(struct sem *sem, uint64_t deadline)
{
	(void)sem;
	(void)deadline;
	if (nsem == 0)
		longjmp(idle, 1);
	nsem--;
	return 0;
}

void
sem_post(struct sem *sem)
{
	(void)sem;
	nsem++;
}

int
pv_os_irq_attach(struct pv_os_irq *irq, struct pv_irqsrc *src,
    void (*fn)(void *), void *arg)
{
	(void)irq;
	(void)arg;
	assert_int_equal(src->is_kind, PV_IRQ_LINE);
	assert_int_equal(src->is_num, SCI);
	intr = fn;
	return 0;
}

const uint8_t *
madt_open_table(const char *sig, uint32_t *len)
{
	assert_string_equal(sig, "FACP");
	*len = sizeof(fadt);
	return fadt;
}

const uint8_t *
madt_open(uint64_t pa, const char *sig, uint32_t *len)
{
	assert_string_equal(sig, "DSDT");
	assert_int_equal(pa, 0x1234);
	*len = dsdtlen;
	return dsdt;
}

void
madt_close(const uint8_t *p, uint32_t len)
{
	assert_true(p == fadt || p == dsdt);
	(void)len;
}

/* ---- the machine ------------------------------------------------------- */

static struct fn *
find(pv_pci_t pci)
{
	unsigned int i;

	for (i = 0; i < nfn; i++) {
		if (fns[i].f_pci == pci && fns[i].f_there)
			return &fns[i];
	}
	return NULL;
}

uint32_t
pv_os_pci_read(pv_pci_t pci, unsigned int reg, unsigned int width)
{
	const struct fn *f = find(pci);
	uint32_t v = 0;

	if (f == NULL)
		return ~0u >> (32 - 8 * width);
	assert_true(reg + width <= sizeof(f->f_cfg) && reg % width == 0);
	memcpy(&v, f->f_cfg + reg, width);
	return v;
}

void
pv_os_pci_write(pv_pci_t pci, unsigned int reg, unsigned int width,
    uint32_t v)
{
	struct fn *f = find(pci);
	unsigned int n = (reg - 0x10) / 4;
	uint32_t flags = 0;
	bool is_bar = reg >= 0x10 && reg < 0x28;
	bool high = f != NULL && is_bar && n > 0 &&
	    (f->f_wide >> (n - 1) & 1) != 0;

	if (f == NULL)
		return;
	if (is_bar && !high)
		flags = (f->f_cfg[reg] & 1) != 0 ? 3 : 15;
	if (is_bar && v == UINT32_MAX) {
		if (f->f_wild)
			v = (uint32_t)rand() * 3;
		else if (high)
			v = (uint32_t)(~(f->f_len[n - 1] - 1) >> 32);
		else
			v = f->f_len[n] == 0 ? 0 : (uint32_t)~(f->f_len[n] - 1);
		/* It decodes elsewhere meanwhile: not a good idea. */
		assert_int_equal(f->f_cfg[4] & 3, 0);
	}
	v = (v & ~flags) | (f->f_cfg[reg] & flags);
	memcpy(f->f_cfg + reg, &v, width);
}

uint32_t
pv_os_pio_read(uint16_t port, unsigned int width)
{
	uint32_t v;

	switch (port) {
	case PORT:
		v = up[selected];
		up[selected] = 0;
		return v;
	case PORT + 4:
		return down[selected];
	case GPE:
		return gpe_status;
	case 0x604:
		return pm1;
	default:
		fail_msg("port 0x%x, width %u", port, width);
	}
	return 0;
}

void
pv_os_pio_write(uint16_t port, unsigned int width, uint32_t v)
{
	unsigned int i;

	(void)width;
	switch (port) {
	case PORT + 8:
		assert_true((down[selected] & v) == v);
		down[selected] &= ~v;
		ejected[selected] |= v;
		neject++;
		for (i = 0; i < nfn; i++) {
			if (PCIHOT_BUS(fns[i].f_pci) == selected &&
			    (v >> PCIHOT_SLOT(fns[i].f_pci) & 1) != 0)
				fns[i].f_there = false;
		}
		break;
	case PORT + 16:
		assert_true(v < 4);
		selected = v;
		break;
	case GPE:
		gpe_status &= (uint8_t)~v;
		break;
	case GPE + 2:
		gpe_enable = (uint8_t)v;
		break;
	case 0xb2:
		smi = (uint8_t)v;
		pm1 |= 1;
		break;
	default:
		fail_msg("port 0x%x", port);
	}
}

static void
came(void *arg)
{
	assert_ptr_equal(arg, &ncame);
	ncame++;
}

static void
going(void *arg, pv_pci_t pci)
{
	assert_ptr_equal(arg, &ncame);
	if (find(pci) != NULL)
		went[nwent++] = pci;
}

static struct fn *
add(pv_pci_t pci, uint32_t id)
{
	struct fn *f = &fns[nfn++];

	assert_true(nfn <= PV_NELEM(fns));
	memset(f, 0, sizeof(*f));
	f->f_pci = pci;
	f->f_there = true;
	memcpy(f->f_cfg, &id, 4);
	return f;
}

static void
bar(struct fn *f, unsigned int n, uint32_t base, uint64_t len)
{
	memcpy(f->f_cfg + 0x10 + n * 4, &base, 4);
	f->f_len[n] = len;
	if ((base & 7) == 4)
		f->f_wide |= 1u << n;
}

/* One that has been given nothing: ports, memory of 32 and of 64 bits. */
static struct fn *
newcomer(pv_pci_t pci, uint32_t id, uint8_t pin)
{
	struct fn *f = add(pci, id);

	bar(f, 0, 1, 32);
	bar(f, 1, 0, 4096);
	bar(f, 4, 0xc, 16384);
	f->f_cfg[0x3d] = pin;
	return f;
}

static uint32_t
where(const struct fn *f, unsigned int n)
{
	return pv_os_pci_read(f->f_pci, 0x10 + n * 4, 4);
}

static struct fn *
bridge(pv_pci_t pci, uint8_t bus, uint32_t memory, uint16_t io)
{
	struct fn *f = add(pci, 0x000c1b36);

	f->f_cfg[0x0e] = 1;
	f->f_cfg[0x19] = bus;
	memcpy(f->f_cfg + 0x20, &memory, 4);
	memcpy(f->f_cfg + 0x1c, &io, 2);
	return f;
}

/* ---- tables ------------------------------------------------------------ */

static void
put(const void *p, uint32_t len)
{
	memcpy(dsdt + dsdtlen, p, len);
	dsdtlen += len;
}
#define PUT(s) put(s, sizeof(s) - 1)

/* A device with its address; returns where its length is to be filled in. */
static uint32_t
device(const char *name, uint8_t slot)
{
	uint8_t adr[] = { 0x08, '_', 'A', 'D', 'R', 0x0c, 0, 0, slot, 0 };
	uint32_t at;

	PUT("\x5b\x82");
	at = dsdtlen;
	PUT("\0\0");
	put(name, 4);
	put(adr, sizeof(adr));
	return at;
}

static void
end(uint32_t at)
{
	uint32_t len = dsdtlen - at;

	dsdt[at] = (uint8_t)(0x40 | (len & 0xf));
	dsdt[at + 1] = (uint8_t)(len >> 4);
}

static void
tables(void)
{
	static const uint32_t ports[] = { 0x604, GPE };
	uint32_t at;

	dsdtlen = 0;
	PUT("garbage \x5b\x82 \x08" "BSEL" "\x5b\x80" "PCST\x01\x0b\x00\xae\x0a"
	    "\x08" "more");
	PUT("\x08" "BSEL\x00");			/* the root bus */
	end(device("S08_", 1));
	at = device("S10_", 2);
	PUT("\x08" "BSEL\x01");
	end(device("S00_", 0));
	end(at);
	at = device("S18_", 3);
	PUT("\x08" "BSEL\x0a\x02");
	end(at);
	at = device("S20_", 4);			/* no bridge is there */
	PUT("\x08" "BSEL\x0a\x03");
	end(at);
	memset(fadt, 0, sizeof(fadt));
	memcpy(fadt + 40, "\x34\x12\0\0", 4);
	fadt[46] = SCI;
	fadt[48] = 0xb2;
	fadt[52] = 0xf1;
	memcpy(fadt + 64, &ports[0], 4);
	memcpy(fadt + 80, &ports[1], 4);
	fadt[92] = 4;
}

/* ---- the tests --------------------------------------------------------- */

static void
run(void)
{
	if (setjmp(idle) == 0)
		thread(NULL);
}

/* A bus with a disk, two bridges, and firmware's addresses. */
static int
begin(void **state)
{
	struct fn *f;

	(void)state;
	memset(&pcihot, 0, sizeof(pcihot));
	nfn = 0;
	ncame = nwent = nsem = neject = 0;
	memset(ejected, 0, sizeof(ejected));
	said[0] = '\0';
	smi = pm1 = 0;
	tables();
	f = add(PCIHOT_FN(0, 1, 0), 0x70008086);
	f->f_cfg[0x60] = 10;
	f->f_cfg[0x61] = 11;
	f->f_cfg[0x62] = 5;
	f->f_cfg[0x63] = 0x80;
	(void)bridge(PCIHOT_FN(0, 2, 0), 1, 0xe01fe000, 0xc0c0);
	(void)bridge(PCIHOT_FN(0, 3, 0), 2, 0xe020e020, 0x00f0);
	f = add(PCIHOT_FN(0, 5, 0), 0x10011af4);
	bar(f, 0, 0xd001, 64);
	bar(f, 1, 0xe0300000, 4096);
	bar(f, 4, 0xe0304004, 16384);
	f->f_cfg[4] = 7;
	assert_true(arch_pci_hotplug());
	assert_int_equal(f->f_cfg[4], 7);
	arch_pci_hotplug_start(came, going, &ncame);
	assert_int_equal(gpe_enable, 2);
	run();
	assert_int_equal(ncame, 0);
	return 0;
}

static int
finish(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 256 * 256; i++)
		pcihot_addr_take(i);
	assert_int_equal(nheap, 0);
	return 0;
}

/* The host plugs or asks, and interrupts. */
static void
event(void)
{
	gpe_status |= 2 | 0x40;
	intr(NULL);
	assert_int_equal(gpe_status & 2, 0);
	assert_int_equal(nsem, 1);
	run();
}

static void
acpi_is_on(void **state)
{
	(void)state;
	assert_int_equal(smi, 0xf1);
	/* Not for us: the line may be others' too. */
	gpe_status = 4;
	intr(NULL);
	assert_int_equal(nsem, 0);
	assert_int_equal(gpe_status, 4);
}

/* Tables that say nothing of hot-plug: ACPI is left to the firmware. */
static void
acpi_is_left(void **state)
{
	(void)state;
	memset(&pcihot, 0, sizeof(pcihot));
	dsdtlen = 1;
	smi = pm1 = 0;
	assert_false(arch_pci_hotplug());
	assert_int_equal(smi, 0);
	tables();
	fadt[92] = 0;
	assert_false(arch_pci_hotplug());
	assert_int_equal(smi, 0);
}

static void
comes_to_the_root(void **state)
{
	struct fn *f = newcomer(PCIHOT_FN(0, 6, 0), 0x10001af4, 1);

	(void)state;
	up[0] = 1u << 6;
	event();
	assert_int_equal(ncame, 1);
	/* Behind the bridges' windows and the disk's, each at its size. */
	assert_int_equal(where(f, 0), 0xd041);
	assert_int_equal(where(f, 1), 0xe0301000);
	assert_int_equal(where(f, 4), 0xe030800c);
	assert_int_equal(where(f, 5), 0);
	/* Pin A of slot 6 leads to link (6 - 1) % 4. */
	assert_int_equal(f->f_cfg[0x3c], 11);
	assert_non_null(strstr(said, "pci/0:6.0: plugged in"));
	/* Nothing was asked again: it is not given others. */
	event();
	assert_int_equal(where(f, 1), 0xe0301000);
}

static void
goes(void **state)
{
	struct fn *f = add(PCIHOT_FN(0, 6, 0), 0x10001af4);
	uint32_t at;

	(void)state;
	bar(f, 1, 0, 4096);
	up[0] = 1u << 6;
	event();
	at = where(f, 1);
	down[0] = 1u << 6;
	event();
	assert_int_equal(nwent, 1);
	assert_int_equal(went[0], PCIHOT_FN(0, 6, 0));
	assert_int_equal(ejected[0], 1u << 6);
	/* The next one gets the same place. */
	f = add(PCIHOT_FN(0, 7, 0), 0x10001af4);
	bar(f, 1, 0, 4096);
	up[0] = 1u << 7;
	event();
	assert_int_equal(where(f, 1), at);
}

static void
behind_a_bridge(void **state)
{
	struct fn *f = newcomer(PCIHOT_FN(1, 7, 0), 0x10411af4, 2);

	(void)state;
	up[1] = 1u << 7;
	event();
	assert_int_equal(where(f, 0), 0xc001);
	assert_int_equal(where(f, 1), 0xe0000000);
	assert_int_equal(where(f, 4), 0xe000400c);
	/* Pin B of slot 7 is pin A of the bridge, slot 2: link 1. */
	assert_int_equal(f->f_cfg[0x3c], 11);
	down[1] = 1u << 7;
	event();
	assert_int_equal(nwent, 1);
	assert_int_equal(ejected[1], 1u << 7);
	assert_int_equal(ejected[0], 0);
}

static void
no_room(void **state)
{
	struct fn *f = add(PCIHOT_FN(2, 0, 0), 0x10411af4);

	(void)state;
	/* The window of that bridge is 1 MiB, without ports. */
	bar(f, 1, 0, 2 << 20);
	up[2] = 1;
	event();
	assert_int_equal(where(f, 1), 0);
	assert_non_null(strstr(said, "no addresses for it (error 28)"));
	down[2] = 1;
	event();
	f = add(PCIHOT_FN(2, 0, 0), 0x10411af4);
	bar(f, 0, 1, 32);
	up[2] = 1;
	event();
	assert_int_equal(where(f, 0), 1);
	down[2] = 1;
	event();
	f = add(PCIHOT_FN(2, 0, 0), 0x10411af4);
	bar(f, 1, 0, 1 << 20);
	up[2] = 1;
	event();
	assert_int_equal(where(f, 1), 0xe0200000);
}

/* Far more than there is: no end is passed, nothing wraps around. */
static void
too_large(void **state)
{
	struct fn *f = add(PCIHOT_FN(0, 6, 0), 0x10001af4);

	(void)state;
	bar(f, 0, 4, 1ull << 63);
	bar(f, 2, 4, 1ull << 32);
	bar(f, 4, 0, 0x80000000u);
	up[0] = 1u << 6;
	event();
	assert_non_null(strstr(said, "no addresses"));
	assert_int_equal(where(f, 4), 0);
}

/* No power of two: it is refused. */
static void
odd_size(void **state)
{
	struct fn *f = add(PCIHOT_FN(0, 6, 0), 0x10001af4);

	(void)state;
	bar(f, 1, 0, 0x3000);
	up[0] = 1u << 6;
	event();
	assert_non_null(strstr(said, "no addresses"));
	assert_int_equal(where(f, 1), 0);
}

static void
a_bridge_comes(void **state)
{
	(void)state;
	(void)bridge(PCIHOT_FN(0, 6, 0), 0, 0, 0);
	up[0] = 1u << 6;
	event();
	assert_non_null(strstr(said, "it is a bridge"));
	down[0] = 1u << 6;
	event();
	assert_int_equal(ejected[0], 1u << 6);
}

/* A slot without anything, functions that vanish: the host is answered. */
static void
nothing_there(void **state)
{
	(void)state;
	up[0] = up[1] = up[2] = UINT32_MAX & ~0x2eu;
	event();
	assert_int_equal(ncame, 3);
	down[1] = UINT32_MAX;
	event();
	assert_int_equal(ejected[1], UINT32_MAX);
	assert_int_equal(nwent, 0);
	assert_int_equal(neject, 32);
	/* The bus of slot 4 is not there: nothing is done for it. */
	up[3] = down[3] = 1;
	event();
	assert_int_equal(ejected[3], 0);
	up[3] = down[3] = 0;
}

static void
wild_sizes(void **state)
{
	unsigned int i, n;
	struct fn *f;

	(void)state;
	for (i = 0; i < 500; i++) {
		nfn = 4;
		nwent = 0;
		f = add(PCIHOT_FN(i % 3, 9, 0), 0x10411af4);
		f->f_wild = true;
		for (n = 0; n < 6; n++)
			f->f_cfg[0x10 + n * 4] = (uint8_t)(rand() & 0xf);
		up[i % 3] = 1u << 9;
		event();
		for (n = 0; i % 3 == 0 && n < 6; n++) {
			uint32_t at = where(f, n) & ~15u;

			if ((where(f, n) & 1) != 0 || at == 0 ||
			    (n > 0 && (where(f, n - 1) & 7) == 4))
				continue;
			assert_in_range(at, 0xe0000000, 0xfebfffff);
		}
		down[i % 3] = 1u << 9;
		event();
		said[0] = '\0';
	}
}

/* Any bytes: it ends, and stays within them. */
static void
wild_tables(void **state)
{
	static struct pcihot_tables ht;
	unsigned int i, k, n;
	uint8_t *p;

	(void)state;
	for (i = 0; i < 2000; i++) {
		tables();
		n = 1 + (unsigned int)rand() % dsdtlen;
		p = malloc(n);
		memcpy(p, dsdt, n);
		for (k = 0; k < i % 16; k++)
			p[(unsigned int)rand() % n] = (uint8_t)rand();
		memset(&ht, 0, sizeof(ht));
		pcihot_aml(p, n, &ht);
		assert_true(ht.ht_nbus <= PCIHOT_NBUS);
		for (k = 0; k < ht.ht_nbus; k++)
			assert_true(ht.ht_bus[k].hb_depth <= PCIHOT_DEPTH);
		free(p);
	}
}

static void
buses(void **state)
{
	static struct pcihot_tables ht;

	(void)state;
	memset(&ht, 0, sizeof(ht));
	pcihot_aml(dsdt, dsdtlen, &ht);
	assert_int_equal(ht.ht_port, PORT);
	assert_int_equal(ht.ht_nbus, 4);
	assert_int_equal(ht.ht_bus[0].hb_depth, 0);
	assert_int_equal(ht.ht_bus[1].hb_select, 1);
	assert_int_equal(ht.ht_bus[1].hb_depth, 1);
	assert_int_equal(ht.ht_bus[1].hb_path[0], 2 << 3);
	assert_int_equal(ht.ht_bus[2].hb_select, 2);
	assert_int_equal(ht.ht_bus[2].hb_path[0], 3 << 3);
}

/* As many bridges as a way may have, and one more: that bus is left alone. */
static void
too_deep(void **state)
{
	static struct pcihot_tables ht;
	uint32_t at[PCIHOT_DEPTH + 1];
	unsigned int i;

	(void)state;
	dsdtlen = 0;
	for (i = 0; i <= PCIHOT_DEPTH; i++) {
		at[i] = device("S08_", 1);
		PUT("\x08" "BSEL\x0a\x07");
	}
	end(device("S10_", 2));
	PUT("\x08" "BSEL\x0a\x08");
	while (i-- > 0)
		end(at[i]);
	PUT("\x08" "BSEL\x0a\x09");
	memset(&ht, 0, sizeof(ht));
	pcihot_aml(dsdt, dsdtlen, &ht);
	assert_int_equal(ht.ht_nbus, PCIHOT_DEPTH + 1);
	for (i = 0; i < PCIHOT_DEPTH; i++) {
		assert_int_equal(ht.ht_bus[i].hb_select, 7);
		assert_int_equal(ht.ht_bus[i].hb_depth, i + 1);
	}
	assert_int_equal(ht.ht_bus[i].hb_select, 9);
	assert_int_equal(ht.ht_bus[i].hb_depth, 0);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, begin, finish)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(acpi_is_on),
		TEST(acpi_is_left),
		TEST(comes_to_the_root),
		TEST(goes),
		TEST(behind_a_bridge),
		TEST(no_room),
		TEST(too_large),
		TEST(odd_size),
		TEST(a_bridge_comes),
		TEST(nothing_there),
		TEST(wild_sizes),
		TEST(wild_tables),
		TEST(buses),
		TEST(too_deep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
