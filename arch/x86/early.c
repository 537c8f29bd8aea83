/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * early.c -- polled output, for the time before the drivers and for last
 * words.  Which ways out exist depends on the machine; the entry code adds
 * each one as soon as it can work:
 *
 *	QEMU			the serial port
 *	Xen dom0		Xen's own console
 *	Xen PV			the console ring, from start_info
 *	Xen PVH, HVM		port 0xe9 (Xen's log, if its log level lets
 *				guests in), then the console ring
 *
 * Nothing here waits for ever: a serial port that is not there and a ring
 * that nobody empties cost a bounded time, then output is dropped.
 */

#include <arch.h>
#include <ktime.h>

#include "mode.h"
#include "x86.h"
#include "xen_abi.h"
#include "xen_call.h"

#include "bytering.h"
#include "shm.h"

#define EARLY_COM1_BASE	0x3f8
#define EARLY_COM1_LCR	(EARLY_COM1_BASE + 3)
#define EARLY_COM1_MCR	(EARLY_COM1_BASE + 4)
#define EARLY_COM1_LSR	(EARLY_COM1_BASE + 5)
#define EARLY_LSR_THRE	0x20
#define EARLY_CONNECTION 3088
#define EARLY_SPIN	100000u		/* tries, at a port */
#define EARLY_WAIT	(100 * NSEC_PER_MSEC)	/* in all, for a full ring */

static unsigned int early_ways;
static struct xencons_interface *early_cons;
static evport_t early_evport;
static bool early_stuck;

static void
early_com1(char ch)
{
	unsigned int i;

	for (i = 0; i < EARLY_SPIN; i++) {
		if (x86_inb(EARLY_COM1_LSR) & EARLY_LSR_THRE)
			break;
	}
	x86_outb(EARLY_COM1_BASE, (uint8_t)ch);
}

static void
early_notify(void)
{
	struct evtchn_send send = { .port = evport_x(early_evport) };

	(void)xen_call2(NULL, __HYPERVISOR_event_channel_op, EVTCHNOP_send,
	    (unsigned long)&send);
}

/* Newer Xen says behind the indexes when nobody reads the ring: 1. */
static bool
early_heard(void)
{
	return shm_read8((uint8_t *)early_cons + EARLY_CONNECTION) != 1;
}

/*
 * Wait a little for whoever reads the ring.  After one wait in vain no other
 * is made until there has been room again.
 */
static bool
early_wait(uint64_t *until)
{
	if (early_stuck || !clock_running() || !early_heard())
		return false;
	if (*until == 0)
		*until = arch_now() + EARLY_WAIT;
	if (arch_now() > *until) {
		early_stuck = true;
		return false;
	}
	(void)xen_call2(NULL, __HYPERVISOR_sched_op, SCHEDOP_yield, 0);
	return true;
}

/*
 * The console driver may be writing too: the index is taken over from the
 * shared page each time.  That is right before the driver is there, and
 * after it, in a panic, when it will not run again.
 */
static void
early_ring_write(const char *buf, size_t len)
{
	struct bytering by;
	uint64_t until = 0;
	int n;

	bytering_init(&by, (volatile void *)early_cons->out,
	    sizeof(early_cons->out), &early_cons->out_prod,
	    &early_cons->out_cons, true);
	do {
		n = bytering_write(&by, buf, (uint32_t)len);
		if (n < 0)
			return;
		if (n > 0) {
			early_notify();
			early_stuck = false;
			buf += n;
			len -= (size_t)n;
		}
	} while (len > 0 && early_wait(&until));
}

static void
early_port_write(const char *buf, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (early_ways & EARLY_COM1)
			early_com1(buf[i]);
		if (early_ways & EARLY_E9)
			x86_outb(XEN_HVM_DEBUGCONS_IOPORT, (uint8_t)buf[i]);
	}
}

static void
early_raw_write(const char *buf, size_t len)
{
	if (early_cons != NULL)
		early_ring_write(buf, len);
	early_port_write(buf, len);
}

/*
 * arch_early_write -- polled output by every way there is
 *
 * Xen returns the carriage by itself, the other ways must be told.
 * Context: any.
 */
void
arch_early_write(const char *buf, size_t len)
{
	size_t n;

	if (early_ways & EARLY_XENIO)
		(void)xen_call3(NULL, __HYPERVISOR_console_io,
		    CONSOLEIO_write, len, (unsigned long)buf);
	for (; len > 0; buf += n, len -= n) {
		if (buf[0] == '\n')
			early_raw_write("\r", 1);
		for (n = 1; n < len && buf[n] != '\n'; n++)
			;
		early_raw_write(buf, n);
	}
}

/*
 * early_add -- one more way out
 *
 * Context: entry.
 */
void
early_add(unsigned int way)
{
	if (way & EARLY_COM1) {
		if (x86_inb(EARLY_COM1_LSR) == 0xff)
			way &= ~EARLY_COM1;		/* no port there */
		x86_outb(EARLY_COM1_LCR, 0x03);		/* 8n1 */
		x86_outb(EARLY_COM1_MCR, 0x0b);		/* DTR RTS OUT2 */
	}
	if (way & EARLY_XENIO)
		early_ways &= ~EARLY_E9;		/* the same place */
	early_ways |= way;
}

/*
 * early_ring -- write to the console ring from now on
 *
 * Context: entry.
 */
void
early_ring(void *ring, evport_t port)
{
	early_evport = port;
	early_cons = ring;
	early_ways &= ~EARLY_E9;
}
