/* SPDX-License-Identifier: MIT */
/* The version of dcpg: of these headers at compile time, and of the library at run time. CMake reads it from
 * this file. */
#ifndef DCPG_VERSION_H
#define DCPG_VERSION_H

#include <dcpg/api.h>

/* Semantic versioning; before 1.0 a new minor version may change the interface. */
#define DCPG_VERSION "0.1.0"

/* The version as a number that increases with every release: major * 10000 + minor * 100 + patch. */
#define DCPG_VERSION_NUMBER 100

DCPG_BEGIN_C

/* The version of the running library: DCPG_VERSION when it was built. Pure. */
DCPG_API const char *dcpg_version(void);

DCPG_END_C

#endif
