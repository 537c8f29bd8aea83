/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hba.c -- see hba.h.
 */

#include <string.h>

#include <hba.h>
#include <klog.h>
#include <printf.h>
#include <pv/errno.h>
#include <sync.h>

#define HBA_MAX		8u

static struct mutex hba_mtx;
static struct pv_scsi *hba_all[HBA_MAX];
static unsigned int hba_n;

void
hba_up(struct pv_scsi *ss)
{
	mutex_lock(&hba_mtx);
	if (hba_n < HBA_MAX)
		hba_all[hba_n++] = ss;
	else
		klog(PV_LOG_WARN, "scsi: %s is not listed: there are %u "
		    "adapters already", ss->ss_name, HBA_MAX);
	mutex_unlock(&hba_mtx);
}

void
hba_down(struct pv_scsi *ss)
{
	unsigned int i, k = 0;

	mutex_lock(&hba_mtx);
	for (i = 0; i < hba_n; i++)
		if (hba_all[i] != ss)
			hba_all[k++] = hba_all[i];
	hba_n = k;
	mutex_unlock(&hba_mtx);
}

int
hba_unit(unsigned int n, struct hba_unit *hu)
{
	const struct pv_scsi *ss;
	unsigned int i, k;
	int rv = -PV_ENOENT;

	mutex_lock(&hba_mtx);
	for (i = 0; i < hba_n && rv != 0; i++) {
		ss = hba_all[i];
		for (k = 0; ss->ss_ops->so_unit(ss->ss_sc, k,
		    &hu->hu_unit) == 0; k++) {
			if (n-- > 0)
				continue;
			printf_format(hu->hu_adapter, sizeof(hu->hu_adapter),
			    "%s", ss->ss_name);
			rv = 0;
			break;
		}
	}
	mutex_unlock(&hba_mtx);
	return rv;
}

int
hba_info(unsigned int n, struct pv_scsi *ss, char name[16])
{
	int rv = -PV_ENOENT;

	mutex_lock(&hba_mtx);
	if (n < hba_n) {
		*ss = *hba_all[n];
		printf_format(name, 16, "%s", ss->ss_name);
		rv = 0;
	}
	mutex_unlock(&hba_mtx);
	return rv;
}

unsigned int
hba_rescan(void)
{
	unsigned int i;

	mutex_lock(&hba_mtx);
	for (i = 0; i < hba_n; i++)
		hba_all[i]->ss_ops->so_rescan(hba_all[i]->ss_sc);
	mutex_unlock(&hba_mtx);
	return i;
}
