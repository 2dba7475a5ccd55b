/* SPDX-License-Identifier: MIT */
/* The version of the library. */
#include <dcpg/version.h>

const char *dcpg_version(void) { return DCPG_VERSION; }
