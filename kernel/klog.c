/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * klog.c -- the log ring, the console's text, and the end.
 *
 * A line is formatted under klog_lock, whole, so lines of several CPUs and
 * of interrupts never mix.  It goes into the ring, and to the tty when its
 * level asks for it; the device is written to without klog_lock, since a
 * console driver may log.  Lock order: klog_lock, then the tty's.
 *
 * panic() takes no lock: whoever holds one may be the one that died.
 */

#include <string.h>

#include <arch.h>
#include <klog.h>
#include <ktime.h>
#include <printf.h>
#include <sched.h>
#include <sync.h>
#include <tty.h>

#define KLOG_RING	65536u		/* bytes, a power of 2 */
#define KLOG_LINE	1024u

enum pv_loglevel klog_console_level = PV_LOG_INFO;

static struct spinlock klog_lock;
static char klog_ring[KLOG_RING];
static uint64_t klog_head;		/* bytes ever written */
static char klog_line[KLOG_LINE];
static struct cpu *klog_panicked;	/* which died first */

static const char *const klog_level[] = { "err", "warn", "info", "debug" };

struct klog_sink {
	struct printf_sink ks_sink;
	size_t		 ks_len;
	char		 ks_buf[128];
};

static void
klog_append(const char *s, size_t len)
{
	size_t at, n;

	for (; len > 0; s += n, len -= n) {
		at = (size_t)(klog_head % KLOG_RING);
		n = KLOG_RING - at < len ? KLOG_RING - at : len;
		memcpy(klog_ring + at, s, n);
		klog_head += n;
	}
}

static size_t
klog_stamp(char *buf, size_t size)
{
	uint64_t us = arch_now() / NSEC_PER_USEC;

	return printf_format(buf, size, "[%4llu.%06u] ",
	    (unsigned long long)(us / 1000000),
	    (unsigned int)(us % 1000000));
}

/*
 * vklog -- one line into the ring, and to the console if its level says so
 *
 * fmt has no newline at its end.  Context: any.
 */
void
vklog(enum pv_loglevel level, const char *fmt, va_list ap)
{
	unsigned long s;
	size_t len, n;

	s = spin_lock(&klog_lock);
	len = klog_stamp(klog_line, KLOG_LINE);
	n = printf_vformat(klog_line + len, KLOG_LINE - 1 - len, fmt, ap);
	len += n < KLOG_LINE - 2 - len ? n : KLOG_LINE - 2 - len;
	klog_line[len++] = '\n';
	klog_append(klog_line, len);
	if (level <= klog_console_level)
		tty_put(klog_line, len);
	spin_unlock(&klog_lock, s);
	tty_flush();
}

/* klog -- vklog() with the arguments as they come.  Context: any. */
void
klog(enum pv_loglevel level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vklog(level, fmt, ap);
	va_end(ap);
}

/* klog_level_name -- as people write it, or NULL.  Context: any. */
const char *
klog_level_name(enum pv_loglevel level)
{
	return (unsigned int)level < PV_NELEM(klog_level) ?
	    klog_level[level] : NULL;
}

/*
 * klog_set_level -- from now on the console shows what is that important
 *
 * false: there is no such level.  Context: any.
 */
bool
klog_set_level(const char *name)
{
	unsigned int i;

	for (i = 0; i < PV_NELEM(klog_level); i++) {
		if (strcmp(name, klog_level[i]) == 0) {
			klog_console_level = (enum pv_loglevel)i;
			return true;
		}
	}
	return false;
}

/*
 * klog_read -- copy the ring's text from byte *pos on
 *
 * Start with *pos = 0; it is moved behind what was copied, and over what the
 * ring has lost meanwhile, to the start of a line.  Returns 0 at the end.
 * Context: any.
 */
size_t
klog_read(uint64_t *pos, char *buf, size_t size)
{
	unsigned long s;
	size_t len = 0;

	s = spin_lock(&klog_lock);
	if (*pos > klog_head)
		*pos = klog_head;
	if (klog_head - *pos > KLOG_RING) {
		*pos = klog_head - KLOG_RING;
		while (*pos < klog_head &&
		    klog_ring[(*pos)++ % KLOG_RING] != '\n')
			continue;
	}
	while (len < size && *pos < klog_head)
		buf[len++] = klog_ring[(*pos)++ % KLOG_RING];
	spin_unlock(&klog_lock, s);
	return len;
}

static void
klog_sink_flush(struct klog_sink *ks)
{
	if (ks->ks_len != 0)
		tty_write(ks->ks_buf, ks->ks_len);
	ks->ks_len = 0;
}

static void
klog_sink_put(struct printf_sink *ps, const char *s, size_t len)
{
	struct klog_sink *ks = PV_CONTAINER(ps, struct klog_sink, ks_sink);

	if (len > sizeof(ks->ks_buf) - ks->ks_len)
		klog_sink_flush(ks);
	if (len > sizeof(ks->ks_buf)) {
		tty_write(s, len);
		return;
	}
	memcpy(ks->ks_buf + ks->ks_len, s, len);
	ks->ks_len += len;
}

/*
 * kprintf -- text for the operator's console, as it stands
 *
 * Context: any.
 */
void
kprintf(const char *fmt, ...)
{
	struct klog_sink ks = { { klog_sink_put }, 0, { 0 } };
	va_list ap;

	va_start(ap, fmt);
	printf_sink(&ks.ks_sink, fmt, ap);
	va_end(ap);
	klog_sink_flush(&ks);
}

static void
klog_panic_put(struct printf_sink *ps, const char *s, size_t len)
{
	(void)ps;
	klog_append(s, len);
	arch_early_write(s, len);
	tty_emergency(s, len);
}

/*
 * panic_begin -- returns to the one who may say last words
 *
 * A panic inside a panic only stops; on another CPU it waits for the first
 * one to end everything.  Context: any.
 */
void
panic_begin(void)
{
	struct cpu *first = NULL;

	(void)arch_irq_save();
	if (__atomic_compare_exchange_n(&klog_panicked, &first, arch_cpu(),
	    false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
		arch_cpu_halt_others();
		return;
	}
	if (first == arch_cpu())
		arch_crash();
	for (;;)
		arch_pause();
}

/*
 * panic -- say why, where, and stop
 *
 * Context: any.
 */
_Noreturn void
panic(const char *fmt, ...)
{
	struct printf_sink ps = { klog_panic_put };
	va_list ap;

	panic_begin();
	klog_panic_put(&ps, "\nPANIC: ", 8);
	va_start(ap, fmt);
	printf_sink(&ps, fmt, ap);
	va_end(ap);
	printf_early("\ncpu %u, thread %s\n", arch_cpu()->cpu_id,
	    arch_cpu()->cpu_thread == NULL ? "none" :
	    thread_name(arch_cpu()->cpu_thread));
	arch_backtrace();
	arch_crash();
}
