/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/armv7/fault_status.h"

#define REFINE_DATA (1u << FS_DEBUG | 1u << FS_TRANSLATION_PAGE | 1u << FS_ASYNC_EXTERNAL | 1u << FS_ASYNC_PARITY)
#define REFINE_PREFETCH (1u << FS_DEBUG | 1u << FS_PERMISSION_SECTION | 1u << FS_PERMISSION_PAGE)

#define REFINE(set, fs) (((set) >> (fs) & 1u) != 0 ? FAULT_REFINE : 0u)
#define READ_CLASS(fs, class, words) [fs] = (class) | REFINE(REFINE_DATA, fs),
#define WRITE_CLASS(fs, class, words) [(fs) + FAULT_WRITE] = (class) | REFINE(REFINE_DATA, fs),
#define PREFETCH_CLASS(fs, class, words)                                                                           \
  [fs] = (VMI_FAULT_STATUS_DATA_ONLY >> (fs) & 1u) != 0 ? VMI_CLASS_OTHER : (class) | REFINE(REFINE_PREFETCH, fs),

const uint8_t fault_data_classes[64] = {VMI_FAULT_STATUSES(READ_CLASS) VMI_FAULT_STATUSES(WRITE_CLASS)};
const uint8_t fault_prefetch_classes[32] = {VMI_FAULT_STATUSES(PREFETCH_CLASS)};
