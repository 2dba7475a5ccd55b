/* SPDX-License-Identifier: MIT */
/* Between the code and SimGrid's SMPI: the compiler reads this file before each source file (-include), so
 * that src/par runs on simulated clusters as it is. In a simulation arithmetic and copies take no time. Other
 * ranks go on only while this one is in a call that takes simulated time; each call below takes NAP, because
 * loops made of it would never end otherwise. */
#ifndef DCPG_BENCH_SIMULATED_H
#define DCPG_BENCH_SIMULATED_H

#include <stddef.h>

#ifndef DCPG_SIMULATED_INSIDE
#define MPI_Init_thread         dcpg_simulated_init_thread
#define MPI_Iallreduce          dcpg_simulated_iallreduce
#define MPI_Iallgather          dcpg_simulated_iallgather
#define MPI_Iallgatherv         dcpg_simulated_iallgatherv
#define MPI_Ibarrier            dcpg_simulated_ibarrier
#define MPI_Ibcast              dcpg_simulated_ibcast
#define MPI_Win_allocate_shared dcpg_simulated_win_allocate_shared
#define MPI_Win_shared_query    dcpg_simulated_win_shared_query
#define MPI_Test                dcpg_simulated_test
#define MPI_Testall             dcpg_simulated_testall
#define MPI_Testany             dcpg_simulated_testany
#define MPI_Testsome            dcpg_simulated_testsome
#define MPI_Iprobe              dcpg_simulated_iprobe
#define sched_yield             dcpg_simulated_yield
#define posix_memalign          dcpg_simulated_memalign
#define free                    dcpg_simulated_free
#endif

int dcpg_simulated_memalign(void **memory, size_t align, size_t bytes);
void dcpg_simulated_free(void *memory);
int dcpg_simulated_yield(void);

/* Lets `seconds` of simulated time pass on this rank. Local. */
void dcpg_simulated_nap(double seconds);

/* From now on, arrays of at least `bytes` share their memory with those of other ranks: contents become
 * meaningless, times stay. Local. */
void dcpg_simulated_fold(size_t bytes);

#endif
