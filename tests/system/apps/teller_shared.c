/* SPDX-License-Identifier: Apache-2.0 */
#include "teller.h"

volatile uint32_t teller_told;
