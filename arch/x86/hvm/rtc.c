/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hvm/rtc.c -- the PC's clock chip: UTC at boot, where no hypervisor tells.
 */

#include <arch.h>
#include <ktime.h>

#include "../x86.h"
#include "hvm.h"

#define RTC_INDEX	0x70
#define RTC_DATA	0x71
#define RTC_A_UPDATING	0x80
#define RTC_B_BINARY	0x04
#define RTC_B_24H	0x02
#define RTC_SPIN	10000u

struct rtc_date {
	unsigned int	 rd_sec, rd_min, rd_hour, rd_day, rd_mon, rd_year;
};

static uint8_t
rtc_get(uint8_t reg)
{
	x86_outb(RTC_INDEX, reg);
	return x86_inb(RTC_DATA);
}

static unsigned int
rtc_num(uint8_t v, bool binary)
{
	return binary ? v : (unsigned int)(v >> 4) * 10 + (v & 15);
}

static void
rtc_get_date(struct rtc_date *rd)
{
	uint8_t b = rtc_get(11), hour;
	bool bin = (b & RTC_B_BINARY) != 0;
	unsigned int i;

	for (i = 0; i < RTC_SPIN && (rtc_get(10) & RTC_A_UPDATING) != 0; i++)
		continue;
	rd->rd_sec = rtc_num(rtc_get(0), bin);
	rd->rd_min = rtc_num(rtc_get(2), bin);
	hour = rtc_get(4);
	rd->rd_hour = rtc_num(hour & 0x7f, bin);
	if ((b & RTC_B_24H) == 0)
		rd->rd_hour = rd->rd_hour % 12 + ((hour & 0x80) ? 12 : 0);
	rd->rd_day = rtc_num(rtc_get(7), bin);
	rd->rd_mon = rtc_num(rtc_get(8), bin);
	rd->rd_year = 2000 + rtc_num(rtc_get(9), bin);
}

/* Days since 1970-01-01; years start in March, so leap days come last. */
static uint64_t
rtc_days(unsigned int y, unsigned int m, unsigned int d)
{
	if (m <= 2) {
		y--;
		m += 12;
	}
	return 365ull * y + y / 4 - y / 100 + y / 400 +
	    (153 * (m - 3) + 2) / 5 + d - 719469;
}

/*
 * rtc_read -- ns since 1970 UTC, 0 when there is no such chip
 *
 * Context: entry.
 */
uint64_t
rtc_read(void)
{
	struct rtc_date rd, again;
	unsigned int tries = 0;

	if (rtc_get(11) == 0xff)
		return 0;
	do {
		rtc_get_date(&rd);
		rtc_get_date(&again);
	} while (rd.rd_sec != again.rd_sec && ++tries < 4);
	if (rd.rd_mon < 1 || rd.rd_mon > 12 || rd.rd_day < 1 ||
	    rd.rd_day > 31 || rd.rd_hour > 23 || rd.rd_min > 59)
		return 0;
	return (((rtc_days(rd.rd_year, rd.rd_mon, rd.rd_day) * 24 +
	    rd.rd_hour) * 60 + rd.rd_min) * 60 + rd.rd_sec) * NSEC_PER_SEC;
}
