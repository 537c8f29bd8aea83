/* SPDX-License-Identifier: BSD-2-Clause */
/* nif_tx.h -- sending: between nif.c and nif_tx.c. */

#ifndef NIF_TX_H
#define NIF_TX_H

#include "nif.h"

/* A new interface; its driver's nt_ready; the last call.  Context: there. */
void	 nif_tx_init(struct nif *);
void	 nif_tx_ready(struct pv_net *);
void	 nif_tx_drain(struct nif *);
/* Make room for trains, unless there is.  Context: thread. */
void	 nif_tx_trains(struct nif *);
/* netif.linkoutput. */
err_t	 nif_tx_output(struct netif *, struct pbuf *);

#endif /* NIF_TX_H */
