/* SPDX-License-Identifier: BSD-2-Clause */
/* t_tty.c -- kernel/tty.c over a console that takes what we let it take. */

#include <stdio.h>
#include <string.h>

#include "shim.h"

#include <arch.h>
#include <ktime.h>
#include <mm.h>
#include <pv/errno.h>
#include <sched.h>
#include <tty.h>

#define MS	NSEC_PER_MSEC

static struct boot_info bi;
static char taken[200000];		/* by the device */
static size_t ntaken, room;
static unsigned int npoll;

int
arch_serial_attach(void (*input)(int ch))
{
	(void)input;
	return -PV_ENODEV;
}

static const char *complaint;		/* what the device logs, once */
static bool late_room;			/* room comes as it says: none */

static int
fake_write(void *sc, const char *buf, size_t len)
{
	const char *say = complaint;

	(void)sc;
	complaint = NULL;
	if (say != NULL)
		tty_write(say, strlen(say));
	if (late_room) {
		late_room = false;
		room = 1000;
		((struct pv_cons *)sc)->cn_ready(sc);
		return 0;
	}
	if (len > room)
		len = room;
	assert_true(ntaken + len < sizeof(taken));
	memcpy(taken + ntaken, buf, len);
	ntaken += len;
	room -= len;
	taken[ntaken] = '\0';
	return (int)len;
}

static void
fake_poll(void *sc)
{
	(void)sc;
	npoll++;
}

static const struct pv_cons_ops fake_ops = { .co_write = fake_write,
    .co_poll = fake_poll };
static struct pv_cons fake = {
	.cn_name = "fake0", .cn_ops = &fake_ops, .cn_sc = &fake
};

static int
tty_setup(void **state)
{
	ntaken = 0;
	room = sizeof(taken) - 1;
	npoll = 0;
	taken[0] = shim_text[0] = '\0';
	(void)state;
	return 0;
}

static int
tty_teardown(void **state)
{
	room = sizeof(taken) - 1 - ntaken;
	if (fake.cn_ready != NULL)
		fake.cn_ready(&fake);
	tty_detach(&fake);
	(void)state;
	return 0;
}

static void
tty_goes_early(void **state)
{
	tty_write("before\n", 7);
	assert_string_equal(shim_text, "before\n");
	tty_attach(&fake);
	assert_int_equal(npoll, 1);
	tty_write("after\n", 6);
	assert_string_equal(shim_text, "before\n");
	assert_string_equal(taken, "after\r\n");
	tty_detach(&fake);
	tty_write("again\n", 6);
	assert_string_equal(shim_text, "before\nagain\n");
	assert_int_equal(tty_drain(0), 0);
	(void)state;
}

static void
tty_keeps_order(void **state)
{
	char line[32];
	unsigned int i;

	tty_attach(&fake);
	room = 0;
	for (i = 0; i < 1000; i++) {
		sprintf(line, "line %u\n", i);
		tty_write(line, strlen(line));
		if (i % 10 == 0) {
			room = 33;
			fake.cn_ready(&fake);
		}
	}
	assert_true(ntaken > 3000 && ntaken < 4000);
	room = 100000;
	fake.cn_ready(&fake);
	assert_memory_equal(taken, "line 0\r\nline 1\r\n", 16);
	assert_string_equal(taken + ntaken - 10, "line 999\r\n");
	assert_int_equal(tty_dropped(), 0);
	(void)state;
}

/* No line has an end: the oldest bytes go, and their number stands there. */
static void
tty_drops_oldest(void **state)
{
	static char block[1000];
	uint64_t before = tty_dropped();
	char note[64];
	unsigned int i;
	int len;

	tty_attach(&fake);
	room = 0;
	for (i = 0; i < 100; i++) {
		memset(block, 'A' + (int)i % 26, sizeof(block));
		tty_write(block, sizeof(block));
	}
	assert_int_equal(tty_dropped() - before, 100 * 1000 - 65536);
	len = sprintf(note, "\r\n[%u bytes of output lost]\r\n",
	    100 * 1000 - 65536);
	for (i = 0; i < 50; i++) {		/* in pieces */
		room = 1;
		fake.cn_ready(&fake);
	}
	room = 100000;
	fake.cn_ready(&fake);
	assert_memory_equal(taken, note, (size_t)len);
	assert_int_equal(ntaken, 65536 + len);
	assert_int_equal(taken[ntaken - 1], 'A' + 99 % 26);
	(void)state;
}

/* A note of what was lost, or 0: there is none at *at. */
static unsigned int
skip_note(const char **at)
{
	unsigned int n = 0;

	if (sscanf(*at, "\r\n[%u bytes of output lost]", &n) == 1)
		*at = strchr(*at + 2, '\n') + 1;
	return n;
}

/* Whole lines go, and a note begun is followed by one of the rest. */
static void
tty_drops_lines(void **state)
{
	uint64_t before = tty_dropped();
	unsigned int i, first, lost;
	const char *at = taken;
	char line[32];

	tty_attach(&fake);
	room = 0;
	for (i = 0; i < 5000; i++) {
		sprintf(line, "this is line %05u\n", i);
		if (i == 4500)
			room = 10;		/* of the note */
		tty_write(line, strlen(line));
	}
	assert_int_equal(ntaken, 10);
	room = sizeof(taken) - 1 - ntaken;
	fake.cn_ready(&fake);
	lost = skip_note(&at);
	assert_int_equal(tty_dropped() - before, lost + skip_note(&at));
	assert_int_equal(sscanf(at, "this is line %u", &first), 1);
	assert_int_equal(tty_dropped() - before, first * 20);
	assert_true(lost < first * 20);
	for (i = first; i < 5000; i++, at += 20) {
		sprintf(line, "this is line %05u\r\n", i);
		assert_memory_equal(at, line, 20);
	}
	assert_ptr_equal(at, taken + ntaken);
	(void)state;
}

/* What the device took while it was dropped is not lost. */
static void
tty_drops_taken(void **state)
{
	static char fill[65536], more[1001];
	uint64_t before = tty_dropped();
	const char *at = taken + 512;

	tty_attach(&fake);
	room = 0;
	memset(fill, 'a', sizeof(fill));
	tty_write(fill, sizeof(fill));
	memset(more, 'b', sizeof(more) - 1);
	complaint = more;
	room = sizeof(taken) - 1;
	fake.cn_ready(&fake);
	assert_int_equal(tty_dropped() - before, 1000 - 512);
	assert_int_equal(skip_note(&at), 1000 - 512);
	assert_ptr_equal(at + sizeof(fill), taken + ntaken);
	(void)state;
}

/* A flood of input is read no faster than is good for the rest. */
static void
tty_input_rate(void **state)
{
	uint64_t start = arch_now();
	unsigned int i;
	char byte = 'x';

	tty_attach(&fake);
	for (i = 0; i < 64000; i++) {
		assert_int_equal(fake.cn_recv(&fake, &byte, 1), 1);
		assert_int_equal(tty_getc(UINT64_MAX), 'x');
	}
	assert_true(arch_now() - start >= 900 * MS);
	assert_true(arch_now() - start < 1500 * MS);
	(void)state;
}

static void
tty_take_all(void *arg)
{
	room = 100;
	(void)arg;
}

static void
tty_drains(void **state)
{
	struct timer tm = { .tm_fn = tty_take_all };
	uint64_t start = arch_now();

	tty_attach(&fake);
	room = 0;
	tty_write("slow", 4);
	assert_int_equal(tty_drain(start + 50 * MS), -PV_ETIMEDOUT);
	assert_true(arch_now() >= start + 50 * MS);
	timer_set(&tm, arch_now() + 30 * MS);
	assert_int_equal(tty_drain(arch_now() + 90 * MS), 0);
	assert_string_equal(taken, "slow");
	(void)state;
}

static void
tty_reads(void **state)
{
	tty_attach(&fake);
	assert_int_equal(tty_getc(arch_now()), -PV_ETIMEDOUT);
	assert_int_equal(fake.cn_recv(&fake, "a\xff", 2), 2);
	tty_input('z');
	assert_int_equal(tty_getc(UINT64_MAX), 'a');
	assert_int_equal(tty_getc(UINT64_MAX), 0xff);
	assert_int_equal(tty_getc(UINT64_MAX), 'z');
	assert_int_equal(tty_getc(arch_now() + MS), -PV_ETIMEDOUT);
	(void)state;
}

static void
tty_holds_input_back(void **state)
{
	static char burst[5000];
	unsigned int i;

	tty_attach(&fake);
	npoll = 0;
	for (i = 0; i < sizeof(burst); i++)
		burst[i] = (char)(i * 3);
	assert_int_equal(fake.cn_recv(&fake, burst, sizeof(burst)), 4096);
	assert_int_equal(fake.cn_recv(&fake, burst, 1), 0);
	for (i = 0; i < 4096; i++) {
		assert_int_equal(tty_getc(UINT64_MAX),
		    (unsigned char)burst[i]);
		/* Asked once, when half of it has been read. */
		assert_int_equal(npoll, i < 2047 ? 0 : 1);
	}
	assert_int_equal(tty_getc(arch_now()), -PV_ETIMEDOUT);
	(void)state;
}

static void
tty_device_logs(void **state)
{
	tty_attach(&fake);
	complaint = "trouble\n";
	tty_write("one\n", 4);
	assert_string_equal(taken, "one\r\ntrouble\r\n");
	(void)state;
}

static void
tty_room_in_between(void **state)
{
	tty_attach(&fake);
	room = 0;
	late_room = true;
	tty_write("text", 4);
	assert_string_equal(taken, "text");
	(void)state;
}

static void
tty_second_console(void **state)
{
	struct pv_cons other = { .cn_name = "x", .cn_ops = &fake_ops };

	tty_attach(&fake);
	tty_attach(&other);
	assert_null(other.cn_recv);
	tty_detach(&other);
	tty_write("first", 5);
	assert_string_equal(taken, "first");
	(void)state;
}

#define TTY_TEST(fn) \
	cmocka_unit_test_setup_teardown(fn, tty_setup, tty_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TTY_TEST(tty_goes_early),
		TTY_TEST(tty_keeps_order),
		TTY_TEST(tty_drops_oldest),
		TTY_TEST(tty_drops_lines),
		TTY_TEST(tty_drops_taken),
		TTY_TEST(tty_input_rate),
		TTY_TEST(tty_drains),
		TTY_TEST(tty_reads),
		TTY_TEST(tty_holds_input_back),
		TTY_TEST(tty_device_logs),
		TTY_TEST(tty_room_in_between),
		TTY_TEST(tty_second_console)
	};

	shim_reset();
	shim_ram(&bi, SHIM_RAM);
	mm_init(&bi);
	sched_init();
	time_init();
	tty_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
