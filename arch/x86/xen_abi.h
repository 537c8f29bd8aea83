/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xen_abi.h -- Xen's public headers, as arch/x86 uses them.
 */

#ifndef XEN_ABI_H
#define XEN_ABI_H

/* Without it the headers give the interface of Xen 3.0. */
#ifndef __XEN_INTERFACE_VERSION__
#define __XEN_INTERFACE_VERSION__ 0x00040d00
#endif

#include <pv/types.h>

#include <xen/xen.h>
#include <xen/event_channel.h>
#include <xen/features.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/io/console.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>

#endif /* XEN_ABI_H */
