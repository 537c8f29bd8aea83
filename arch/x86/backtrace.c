/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * backtrace.c -- see backtrace.h.
 *
 * build/ksyms.awk writes the table from nm's output: offsets from kern_start
 * in ascending order, and as many offsets into the names.
 */

#include <arch.h>

#include "backtrace.h"
#include "layout.h"
#include "mode.h"

#define BACKTRACE_MAX	24		/* frames */
#define BACKTRACE_SPAN	0x20000		/* no stack is larger */

/* Weak: the first pass of the link has none. */
extern const uint32_t ksyms_count __attribute__((__weak__));
extern const uint32_t ksyms_addr[] __attribute__((__weak__));
extern const uint32_t ksyms_name[] __attribute__((__weak__));
extern const char ksyms_text[] __attribute__((__weak__));

static bool
backtrace_is_code(uintptr_t pc)
{
	return pc >= (uintptr_t)kern_start && pc < (uintptr_t)kern_text_end;
}

const char *
backtrace_symbol(uintptr_t pc, uintptr_t *off)
{
	uint32_t lo = 0, hi, mid, rel;

	if (&ksyms_count == NULL || ksyms_count == 0 || !backtrace_is_code(pc))
		return NULL;
	rel = (uint32_t)(pc - (uintptr_t)kern_start);
	if (rel < ksyms_addr[0])
		return NULL;
	hi = ksyms_count;
	while (hi - lo > 1) {
		mid = lo + (hi - lo) / 2;
		if (ksyms_addr[mid] <= rel)
			lo = mid;
		else
			hi = mid;
	}
	*off = rel - ksyms_addr[lo];
	return ksyms_text + ksyms_name[lo];
}

/* ret: pc is a return address. */
static void
backtrace_line(uintptr_t pc, bool ret)
{
	uintptr_t off;
	/* A call may be a function's last instruction: look before it. */
	const char *name = backtrace_symbol(ret ? pc - 1 : pc, &off);

	if (name == NULL)
		printf_early("  %016lx\n", (unsigned long)pc);
	else
		printf_early("  %016lx %s+0x%lx\n", (unsigned long)pc, name,
		    (unsigned long)(ret ? off + 1 : off));
}

/* Whether a frame pointer can be followed without faulting. */
static bool
backtrace_is_frame(uintptr_t fp, uintptr_t prev)
{
	return (fp & 7) == 0 && fp > prev && fp - prev < BACKTRACE_SPAN &&
	    fp >= LAYOUT_DIRECT && fp < (uintptr_t)kern_end - 16;
}

/*
 * A function that needs no frame has none, and one that faults may not have
 * its frame yet: then its caller is the word on top of the stack.
 */
static void
backtrace_frameless(uintptr_t sp, uintptr_t fp)
{
	uintptr_t pc;

	if (!backtrace_is_frame(sp, sp - 8))
		return;
	pc = *(const uintptr_t *)sp;
	if (!backtrace_is_code(pc) || sp == fp + 8)
		return;
	printf_early("  perhaps:\n");
	backtrace_line(pc, true);
}

void
backtrace_from(uintptr_t pc, uintptr_t fp, uintptr_t sp)
{
	uintptr_t prev = fp - 8;
	unsigned int i;

	printf_early("backtrace:\n");
	backtrace_line(pc, false);
	backtrace_frameless(sp, fp);
	for (i = 0; i < BACKTRACE_MAX && backtrace_is_frame(fp, prev); i++) {
		const uintptr_t *frame = (const uintptr_t *)fp;

		if (!backtrace_is_code(frame[1]))
			break;
		backtrace_line(frame[1], true);
		prev = fp;
		fp = frame[0];
	}
}

void
arch_backtrace(void)
{
	const uintptr_t *fp = __builtin_frame_address(0);

	backtrace_from(fp[1], fp[0], 0);
}
