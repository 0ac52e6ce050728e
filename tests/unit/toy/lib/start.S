/* SPDX-License-Identifier: Apache-2.0 */
#include "vmi.h"
  .section .vectors, "ax"
  b kernel_main
  .section .header, "a"
  .weak guest_pure_calls
  .word VMI_HEADER_MAGIC, VMI_ABI_VERSION, __kernel_stack_top, guest_pure_calls
