/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hba.h -- SCSI host adapters, for the operator: what stands behind them.
 * Their disks come to disk.h by themselves.
 */

#ifndef HBA_H
#define HBA_H

#include <pv/scsi.h>

void	 hba_up(struct pv_scsi *);		/* pv_client members; thread */
void	 hba_down(struct pv_scsi *);

struct hba_unit {
	char		 hu_adapter[16];
	struct pv_scsi_unit hu_unit;
};
/* The n-th unit of all adapters: 0 or -PV_ENOENT.  Context: thread. */
int	 hba_unit(unsigned int n, struct hba_unit *);
/* The n-th adapter, copied: 0 or -PV_ENOENT.  Context: thread. */
int	 hba_info(unsigned int n, struct pv_scsi *, char name[16]);
/* Have all adapters look for units anew.  Returns how many. */
unsigned int hba_rescan(void);

#endif /* HBA_H */
