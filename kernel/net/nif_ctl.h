/* SPDX-License-Identifier: BSD-2-Clause */
/* nif_ctl.h -- what an interface's device is told: filters, addresses. */

#ifndef NIF_CTL_H
#define NIF_CTL_H

#include "nif.h"

/* A new interface; from nif_attach().  Context: thread. */
void	 nif_ctl_attach(struct nif *);

#endif /* NIF_CTL_H */
