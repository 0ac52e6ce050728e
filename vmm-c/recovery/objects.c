/* SPDX-License-Identifier: Apache-2.0 */
#include "recovery/objects.h"

#include "core/recovery.h"
#include "recovery/pages.h"

#define OBJECTS_MAX 64u
#define ELEMENTS_MAX 1024u /* of an object: bounds the time of a check */
#define NO_PAGE 1u /* the address of none: page 0 is as good as any other for a guest to name */

/* Memory of the guest, by page: what a pointer in a broken object points to need not be mapped. */
struct reader {
  const struct vm *vm;
  uint32_t page;
  const uint8_t *content;
};

static bool turn_page(struct reader *reader, uint32_t va) {
  const uint32_t *entry = vm_entry(reader->vm->active_pt, va);
  if (entry == NULL || (*entry & PTE_SMALL) == 0) {
    return false;
  }
  reader->page = va & PAGE_MASK;
  reader->content = (const uint8_t *)(uintptr_t)pte_frame(*entry);
  return true;
}

static bool read_value(struct reader *reader, uint32_t va, uint32_t width, uint32_t *value) {
  if ((va & (width - 1u)) != 0 || ((va & PAGE_MASK) != reader->page && !turn_page(reader, va))) {
    return false;
  }
  const uint8_t *at = reader->content + va % PAGE_SIZE;
  *value = width == 4u ? *(const uint32_t *)(const void *)at : width == 2u ? *(const uint16_t *)(const void *)at : *at;
  return true;
}

static bool in_bounds(const struct vmi_object *object, uint32_t value) {
  return value - object->min <= object->max - object->min;
}

static bool pointer_right(const struct vmi_object *object, uint32_t value) {
  return value == 0 || (in_bounds(object, value) && value % 4u == 0);
}

/* *where: the element that is wrong. */
static bool elements_hold(struct reader *reader, const struct vmi_object *object, uint32_t *where) {
  *where = object->address;
  for (uint32_t left = object->count; left != 0; left--, *where += object->stride) {
    uint32_t value;
    if (!read_value(reader, *where, object->width, &value) ||
        !(object->kind == VMI_OBJECT_RANGE ? in_bounds(object, value) : pointer_right(object, value))) {
      return false;
    }
  }
  return true;
}

/* At most `count` elements, each in the bounds, and each points back to the one before it. */
static bool list_holds(struct reader *reader, const struct vmi_object *object, uint32_t *where) {
  uint32_t element;
  uint32_t before = 0;
  uint32_t back;
  *where = object->address;
  if (!read_value(reader, object->address, 4, &element)) {
    return false;
  }
  for (uint32_t left = object->count; element != 0; left--) {
    if (left == 0 || !pointer_right(object, element)) {
      return false;
    }
    *where = element;
    if (!read_value(reader, element + object->previous, 4, &back) || back != before) {
      return false;
    }
    before = element;
    if (!read_value(reader, element + object->next, 4, &element)) {
      return false;
    }
  }
  return true;
}

static bool holds(struct reader *reader, const struct vmi_object *object, uint32_t *where) {
  return object->kind == VMI_OBJECT_LIST ? list_holds(reader, object, where) : elements_hold(reader, object, where);
}

/* The objects' table is constant memory of the guest, which the scrubber looks after. */
static bool read_object(struct reader *table, uint32_t va, struct vmi_object *object) {
  uint32_t *word = (uint32_t *)(void *)object;
  for (uint32_t n = 0; n < sizeof *object / 4u; n++) {
    if (!read_value(table, va + 4u * n, 4, &word[n])) {
      return false;
    }
  }
  return true;
}

static bool is_sound(const struct vmi_object *object) {
  bool width = object->width == 1 || object->width == 2 || object->width == 4;
  return object->kind < VMI_OBJECT_KINDS && width && (object->kind == VMI_OBJECT_RANGE || object->width == 4) &&
         object->count != 0 && object->count <= ELEMENTS_MAX && object->min <= object->max;
}

/* All objects of the table at va. what->status: number of the one that is wrong; address: of its element. */
static bool all_hold(const struct vm *vm, uint32_t va, uint32_t count, struct vmi_fault *what) {
  struct reader table = {.vm = vm, .page = NO_PAGE};
  struct reader memory = {.vm = vm, .page = NO_PAGE};
  struct vmi_object object;
  for (what->status = 0; what->status < count; what->status++, va += sizeof object) {
    what->address = va;
    if (!read_object(&table, va, &object) || !is_sound(&object) || !holds(&memory, &object, &what->address)) {
      return false;
    }
  }
  return true;
}

/* Kernel memory that no checkpoint holds yet. */
static bool kernel_changed(const struct vm *vm) {
  for (uint32_t i = 0; i < vm->dirty.count; i++) {
    if (page_window(vm->dirty.pages[i]) == WINDOW_KERNEL) {
      return true;
    }
  }
  return false;
}

bool objects_hold(struct vm *vm, struct vmi_fault *what) {
  if (vm->state.object_count == 0) {
    return true;
  }
  if (vm_in_kernel(vm) && !vm->state.waiting) {
    vm->unchecked = true; /* what it is in the middle of may be saved, so look at the next opportunity */
    return true;
  }
  if (!vm->unchecked && !kernel_changed(vm)) {
    return true;
  }
  what->kind = VMI_FAULT_CHECK;
  what->class = VMI_CLASS_OBJECT;
  vm->unchecked = !all_hold(vm, vm->state.objects, vm->state.object_count, what);
  return !vm->unchecked;
}

/* In pages that the guest cannot write. */
static bool is_constant(struct vm *vm, uint32_t va, uint32_t bytes) {
  for (uint32_t page = va & PAGE_MASK; page < va + bytes; page += PAGE_SIZE) {
    const uint32_t *entry = vm_entry(vm->active_pt, page);
    if (entry == NULL || (*entry & PTE_AP_MASK) != PTE_AP_USER_RO) {
      return false;
    }
  }
  return true;
}

int32_t recovery_register_objects(struct vm *vm, uint32_t table, uint32_t count) {
  struct vmi_fault what = {0};
  if (!vm->tracked) {
    return VMI_ESTATE;
  }
  if (count > OBJECTS_MAX) {
    return VMI_EINVAL;
  }
  if (table / VMI_WINDOW_SIZE >= WINDOW_COUNT || !is_constant(vm, table, count * (uint32_t)sizeof(struct vmi_object))) {
    return VMI_EFAULT;
  }
  if (!all_hold(vm, table, count, &what)) {
    return VMI_EINVAL;
  }
  vm->state.objects = table;
  vm->state.object_count = (uint8_t)count;
  vm->unsaved = 1;
  return VMI_OK;
}
