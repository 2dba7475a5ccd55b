/* SPDX-License-Identifier: MIT */
/* The choice of kernels: what this processor offers, and what all ranks of a run have in common.
 *
 * A set has three parts: the instructions of our own loops, the backend of matrix products, and BLIS's
 * kernels. Each part has a list of names, best first; an offer holds a bit for each name. */
#include "kern/gemm_backend.h"
#include "kern/vector.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VECTOR, GEMM, BLIS };

/* "native": a build for one processor, with the instructions of the compiler's options. */
static const char *const vector_names[] = {"avx512", "avx2", "baseline", "native", NULL};
enum { AVX512, AVX2, BASELINE, NATIVE };
static const char *const gemm_names[] = {"direct", "blis", "ref", NULL};
static const dcpg_gemm_backend *const backends[] = {&dcpg_gemm_direct, &dcpg_gemm_blis, &dcpg_gemm_ref};

static const char *const *const names_of[DCPG_KERN_PARTS] = {vector_names, gemm_names, dcpg_kern_blis_sets};
static const char *const variable_of[DCPG_KERN_PARTS] = {"DCPG_ISA", "DCPG_GEMM", "BLIS_ARCH_TYPE"};
static const char *const part_key[DCPG_KERN_PARTS] = {"vector=", "gemm=", "blis="};

/* -1: not in the list */
static int find_name(const char *const *names, const char *name) {
    for (int i = 0; names[i]; i++)
        if (strcmp(names[i], name) == 0) return i;
    return -1;
}

static int lowest_bit(uint32_t bits) {
    int i = 0;
    while (!(bits >> i & 1)) i++;
    return i;
}

/* The value of an environment variable; NULL: not set, or empty. */
static const char *setting_of(const char *variable) {
    const char *text = getenv(variable);
    return text && *text ? text : NULL;
}

static dcpg_status offer_vector(dcpg_kern_offer *offer, kern_level *level, dcpg_err *err) {
    const char *most = setting_of("DCPG_ISA");
    int cap = most ? find_name(vector_names, most) : AVX512;
    *level = dcpg_kern_level_here();
    if (cap < 0 || cap == NATIVE)
        return dcpg_fail(err, DCPG_E_USAGE, "DCPG_ISA %s is unknown: use avx512, avx2 or baseline", most);
#if defined(KERN_LEVELS)
    if (*level > (kern_level)(BASELINE - cap)) *level = (kern_level)(BASELINE - cap);
    for (int i = BASELINE - (int)*level; i <= BASELINE; i++) offer->can[VECTOR] |= 1u << i;
    offer->asked[VECTOR] = most != NULL;
    return DCPG_OK;
#else
    offer->can[VECTOR] = 1u << NATIVE;
    if (!most) return DCPG_OK;
    return dcpg_fail(err, DCPG_E_USAGE, "DCPG_ISA: this dcpg was built for one set of instructions alone");
#endif
}

static dcpg_status offer_gemm(dcpg_kern_offer *offer, const char *name, kern_level level, dcpg_err *err) {
    if (name == NULL || *name == '\0') name = setting_of("DCPG_GEMM");
    int backend = name ? find_name(gemm_names, name) : -1;
    if (name && backend < 0)
        return dcpg_fail(err, DCPG_E_USAGE, "gemm backend '%s' is unknown: use direct, blis or ref", name);
    offer->asked[GEMM] = name != NULL;
    offer->can[GEMM] = name ? 1u << backend : level == KERN_AVX512 ? 7u : 6u;
    return DCPG_OK;
}

dcpg_status dcpg_kern_offer_here(const char *gemm, dcpg_kern_offer *offer, dcpg_err *err) {
    kern_level level;
    *offer = (dcpg_kern_offer){.host = ""};
    DCPG_TRY(offer_vector(offer, &level, err));
    DCPG_TRY(offer_gemm(offer, gemm, level, err));
    bool avx512 = level == KERN_AVX512, avx2 = level >= KERN_AVX2;
#if defined(__x86_64__) && !defined(KERN_LEVELS)
    avx512 = __builtin_cpu_supports("x86-64-v4"), avx2 = __builtin_cpu_supports("x86-64-v3");
#endif
    offer->can[BLIS] = dcpg_kern_blis_asked(&offer->blis_number);
    offer->asked[BLIS] = offer->can[BLIS] != 0;
    if (!offer->asked[BLIS]) offer->can[BLIS] = dcpg_kern_blis_offer(avx512, avx2);
    snprintf(offer->version, sizeof offer->version, "%s", dcpg_kern_blis_version());
    return DCPG_OK;
}

/* The first rank that cannot do `bit`; -1: all can. */
static int lacking(const dcpg_kern_offer *offer, int nb, int part, int bit) {
    for (int r = 0; r < nb; r++)
        if (!(offer[r].can[part] >> bit & 1)) return r;
    return -1;
}

/* Fails because variables contradict each other between ranks; names a rank that has the variable and one
 * that differs. */
static dcpg_status fail_apart(const dcpg_kern_offer *offer, int nb, int part, dcpg_err *err) {
    int a = 0;
    while (a < nb - 1 && !offer[a].asked[part]) a++;
    int bit = lowest_bit(offer[a].can[part]), b = lacking(offer, nb, part, bit);
    return dcpg_fail(
        err, DCPG_E_USAGE,
        "rank %d on host %s is to use %s (%s), which rank %d on host %s does not: set %s alike on "
        "all ranks (mpirun -x %s), or nowhere",
        a, offer[a].host, names_of[part][bit], variable_of[part], b < 0 ? a : b, offer[b < 0 ? a : b].host,
        variable_of[part], variable_of[part]);
}

/* The name of a part in `wanted`, a text of dcpg_kern_name; -1: none that this build knows. */
static int wanted_of(const char *wanted, int part) {
    char name[16];
    const char *at = wanted ? strstr(wanted, part_key[part]) : NULL;
    if (at == NULL || sscanf(at + strlen(part_key[part]), "%15[a-z0-9]", name) != 1) return -1;
    return find_name(names_of[part], name);
}

dcpg_status dcpg_kern_agree(const dcpg_kern_offer *offer, int nb, const char *wanted, dcpg_kern_set *set,
                            dcpg_err *err) {
    *set = (dcpg_kern_set){.blis_number = offer[0].blis_number};
    bool note = false;
    for (int part = 0; part < DCPG_KERN_PARTS; part++) {
        uint32_t all = ~0u, any = 0;
        for (int r = 0; r < nb; r++) all &= offer[r].can[part], any |= offer[r].can[part];
        if (all == 0) return fail_apart(offer, nb, part, err);
        int best = lowest_bit(any), picked = lowest_bit(all), then = wanted_of(wanted, part);
        if (then >= 0 && all >> then & 1) picked = then;
        set->pick[part] = picked;
        int r = lacking(offer, nb, part, best);
        if (r < 0 || note) continue;
        note = true;
        if (offer[r].asked[part])
            snprintf(set->why, sizeof set->why, "rank %d on host %s is limited to %s by %s", r, offer[r].host,
                     names_of[part][lowest_bit(offer[r].can[part])], variable_of[part]);
        else
            snprintf(set->why, sizeof set->why, "rank %d on host %s lacks %s", r, offer[r].host,
                     names_of[part][best]);
    }
    for (int r = 0; r < nb; r++)
        if (offer[r].blis_number != offer[0].blis_number &&
            strcmp(dcpg_kern_blis_sets[set->pick[BLIS]], "other") == 0)
            return fail_apart(offer, nb, BLIS, err);
    set->nb_rank = nb;
    snprintf(set->name, sizeof set->name, "vector=%s gemm=%s blis=%s %s", vector_names[set->pick[VECTOR]],
             gemm_names[set->pick[GEMM]], dcpg_kern_blis_sets[set->pick[BLIS]], offer[0].version);
    return DCPG_OK;
}

static char name_in_use[DCPG_KERN_NAME];

void dcpg_kern_start(const dcpg_kern_set *set) {
    char note[256] = "", why[224] = "";
    if (set->why[0]) snprintf(why, sizeof why, " (%s)", set->why);
    if (set->nb_rank > 1) snprintf(note, sizeof note, " on all ranks%s", why);
    if (set->pick[VECTOR] != NATIVE) dcpg_kern_level_choose((kern_level)(BASELINE - set->pick[VECTOR]));
    dcpg_kern_blis_choose(set->pick[BLIS], set->blis_number);
    memcpy(name_in_use, set->name, sizeof name_in_use);
    dcpg_kern_gemm_choose(backends[set->pick[GEMM]], note);
}

const char *dcpg_kern_name(void) { return name_in_use; }

dcpg_status dcpg_gemm_start(const char *name, dcpg_err *err) {
    dcpg_kern_offer offer;
    dcpg_kern_set set;
    DCPG_TRY(dcpg_kern_offer_here(name, &offer, err));
    DCPG_TRY(dcpg_kern_agree(&offer, 1, NULL, &set, err));
    dcpg_kern_start(&set);
    return DCPG_OK;
}
