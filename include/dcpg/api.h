/* SPDX-License-Identifier: MIT */
/* What the other headers are wrapped in: which names libdcpg exports, and that they are C for C++. */
#ifndef DCPG_API_H
#define DCPG_API_H

/* In front of each function and variable that libdcpg.so exports; all others are hidden in it. */
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
