/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_VMI_DISPATCH_H
#define CORE_VMI_DISPATCH_H

#include "core/vm.h"

/* SVC entry: frame = registers of the caller. Returns the frame to resume. Called from vectors.S. */
struct context *vmi_dispatch(struct context *frame);

#endif
