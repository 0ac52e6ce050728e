/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/armv7/fault_status.h"

uint8_t fault_class(uint32_t fsr) {
  switch (fault_status(fsr)) {
    case FS_ALIGNMENT:
      return VMI_CLASS_ALIGNMENT;
    case FS_TRANSLATION_SECTION:
    case FS_TRANSLATION_PAGE:
      return VMI_CLASS_TRANSLATION;
    case FS_DOMAIN_SECTION:
    case FS_DOMAIN_PAGE:
      return VMI_CLASS_DOMAIN;
    case FS_PERMISSION_SECTION:
    case FS_PERMISSION_PAGE:
      return VMI_CLASS_PERMISSION;
    case FS_EXTERNAL:
    case FS_EXTERNAL_WALK_1:
    case FS_EXTERNAL_WALK_2:
    case FS_EXTERNAL_IMPRECISE:
      return VMI_CLASS_EXTERNAL;
    default:
      return VMI_CLASS_OTHER;
  }
}
