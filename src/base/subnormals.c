/* SPDX-License-Identifier: MIT */
/* Subnormal numbers are 0: the flags of the floating-point unit for this, which every thread has for
 * itself. */
#include <dcpg/subnormals.h>

#include <omp.h>
#include <stdint.h>

#if defined(__x86_64__)
#include <xmmintrin.h>
static const uint64_t FLAGS = 0x8000 | 0x0040; /* flush to zero, and denormals are zero */
static uint64_t read_flags(void) { return _mm_getcsr() & FLAGS; }
static void write_flags(uint64_t flags) { _mm_setcsr((unsigned)((_mm_getcsr() & ~FLAGS) | flags)); }
#elif defined(__aarch64__)
static const uint64_t FLAGS = (uint64_t)1 << 24; /* FZ: applies to operands and results */
static uint64_t control(void) {
    uint64_t fpcr;
    __asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
    return fpcr;
}
static uint64_t read_flags(void) { return control() & FLAGS; }
static void write_flags(uint64_t flags) {
    __asm__ volatile("msr fpcr, %0" : : "r"((control() & ~FLAGS) | flags) : "memory");
}
#else
static const uint64_t FLAGS = 0;
static uint64_t read_flags(void) { return 0; }
static void write_flags(uint64_t flags) { (void)flags; }
#endif

/* State that a thread restores. A begin/end pair around parallel regions and one inside such a region are
 * kept separately, since the second may lie within the first. */
static _Thread_local struct {
    int depth;  /* begun pairs of this thread that have not ended */
    bool alone; /* the outermost of these began inside a parallel region */
    bool kept;
    uint64_t flags, alone_flags;
} own;

static void set(void) {
    own.flags = read_flags();
    own.kept = true;
    write_flags(FLAGS);
}

/* `others`: flags for threads that did not exist at the beginning. */
static void put_back(uint64_t others) {
    write_flags(own.kept ? own.flags : others);
    own.kept = false;
}

void dcpg_flush_begin(void) {
    if (own.depth++ > 0) return;
    own.alone = omp_in_parallel();
    if (own.alone) {
        own.alone_flags = read_flags();
        write_flags(FLAGS);
        return;
    }
#pragma omp parallel
    set();
}

void dcpg_flush_end(void) {
    if (--own.depth > 0) return;
    if (own.alone) {
        write_flags(own.alone_flags);
        return;
    }
    uint64_t flags = own.flags;
#pragma omp parallel
    put_back(flags);
}

bool dcpg_flushes(void) { return FLAGS != 0 && read_flags() == FLAGS; }
