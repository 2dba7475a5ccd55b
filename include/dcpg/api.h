/* SPDX-License-Identifier: MIT */
/* Macros that every other public header uses: export of names from libdcpg, and C linkage for C++. */
#ifndef DCPG_API_H
#define DCPG_API_H

/* Marks each function and variable that libdcpg.so exports; all others are hidden inside it. */
#if defined(__GNUC__)
#define DCPG_API __attribute__((visibility("default")))
#else
#define DCPG_API
#endif

#ifdef __cplusplus
#define DCPG_BEGIN_C extern "C" {
#define DCPG_END_C   }
#else
#define DCPG_BEGIN_C
#define DCPG_END_C
#endif

#endif
