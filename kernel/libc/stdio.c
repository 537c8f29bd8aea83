/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stdio.c -- formatting, and streams that end in the log.
 *
 * A line is put together in stdio_line until its newline comes, or until the
 * buffer is full, and then logged.  Third parties write rarely, and when
 * something is wrong: one buffer for all does.
 */

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <klog.h>
#include <printf.h>
#include <sync.h>

struct libc_file {
	enum pv_loglevel lf_level;
};

static struct libc_file stdio_out = { PV_LOG_INFO };
static struct libc_file stdio_err = { PV_LOG_WARN };

FILE *const stdin = &stdio_out;
FILE *const stdout = &stdio_out;
FILE *const stderr = &stdio_err;

static struct spinlock stdio_lock;
static char stdio_line[256];
static size_t stdio_len;

struct stdio_sink {
	struct printf_sink ss_sink;
	FILE		*ss_file;
};

/* Lock: stdio_lock. */
static void
stdio_flush(const FILE *fp)
{
	if (stdio_len != 0)
		klog(fp->lf_level, "%.*s", (int)stdio_len, stdio_line);
	stdio_len = 0;
}

static void
stdio_write(const FILE *fp, const char *s, size_t len)
{
	unsigned long st;

	st = spin_lock(&stdio_lock);
	for (; len > 0; s++, len--) {
		if (*s == '\n' || stdio_len == sizeof(stdio_line))
			stdio_flush(fp);
		if (*s != '\n' && *s != '\r')
			stdio_line[stdio_len++] = *s;
	}
	spin_unlock(&stdio_lock, st);
}

static void
stdio_put(struct printf_sink *ps, const char *s, size_t len)
{
	stdio_write(PV_CONTAINER(ps, struct stdio_sink, ss_sink)->ss_file, s,
	    len);
}

int
vfprintf(FILE *fp, const char *fmt, va_list ap)
{
	struct stdio_sink ss = { { stdio_put }, fp };

	return (int)printf_sink(&ss.ss_sink, fmt, ap);
}

int
fprintf(FILE *fp, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vfprintf(fp, fmt, ap);
	va_end(ap);
	return len;
}

int
vprintf(const char *fmt, va_list ap)
{
	return vfprintf(stdout, fmt, ap);
}

int
printf(const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vfprintf(stdout, fmt, ap);
	va_end(ap);
	return len;
}

int
vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
	return (int)printf_vformat(buf, size, fmt, ap);
}

int
snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = (int)printf_vformat(buf, size, fmt, ap);
	va_end(ap);
	return len;
}

int
vsprintf(char *buf, const char *fmt, va_list ap)
{
	return (int)printf_vformat(buf, INT_MAX, fmt, ap);
}

int
sprintf(char *buf, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = (int)printf_vformat(buf, INT_MAX, fmt, ap);
	va_end(ap);
	return len;
}

int
fputs(const char *s, FILE *fp)
{
	stdio_write(fp, s, strlen(s));
	return 0;
}

int
puts(const char *s)
{
	stdio_write(stdout, s, strlen(s));
	stdio_write(stdout, "\n", 1);
	return 0;
}

int
fputc(int ch, FILE *fp)
{
	char byte = (char)ch;

	stdio_write(fp, &byte, 1);
	return (unsigned char)byte;
}

int
putc(int ch, FILE *fp)
{
	return fputc(ch, fp);
}

int
putchar(int ch)
{
	return fputc(ch, stdout);
}

size_t
fwrite(const void *buf, size_t size, size_t n, FILE *fp)
{
	stdio_write(fp, buf, size * n);
	return n;
}

int
fflush(FILE *fp)
{
	(void)fp;
	return 0;
}

void
perror(const char *what)
{
	fprintf(stderr, "%s failed\n", what);
}
