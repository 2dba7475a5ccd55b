/* SPDX-License-Identifier: MIT */
/* Opens the data that a user names: one store, or DeepCpG data files, recognised by their content. Private to
 * the commands. */
#ifndef DCPG_CMD_SOURCES_H
#define DCPG_CMD_SOURCES_H

#include <dcpg/deepcpg.h>
#include <dcpg/source.h>
#include <dcpg/store.h>

typedef struct dcpg_cmd_named {
    dcpg_store *store; /* one of `store` and `set`; the other is NULL */
    dcpg_deepcpg *set;
    const dcpg_strings *files;           /* as given to dcpg_cmd_named_open_all */
    const char *name;                    /* of the store or the first file */
    const dcpg_strings *cells, *outputs; /* names of all cells and outputs of the data */
    int64_t dna_wlen, cpg_wlen; /* of a new model, in bp and neighbours, unless the user chooses others */
} dcpg_cmd_named;

/* Opens the data; `data` is {0} before. The caller closes it, after a failure too. Collective. */
dcpg_status dcpg_cmd_named_open_all(const dcpg_strings *files, const dcpg_par *par, dcpg_cmd_named *data,
                                    dcpg_err *err);
void dcpg_cmd_named_close(dcpg_cmd_named *data);

/* Names of all chromosomes of the data, which own them. */
const dcpg_strings *dcpg_cmd_chromos(const dcpg_cmd_named *data);

/* Adds the chromosomes of `words` to `names` as the data name them, by the rule of dcpg/chromo.h; one that
 * the data lack keeps its name. DCPG_E_INPUT where a name is unclear. Local. */
dcpg_status dcpg_cmd_name_chromos(const dcpg_cmd_named *data, const dcpg_strings *words, dcpg_strings *names,
                                  dcpg_err *err);

/* Opens the sites of the data on `chromos` (empty: all). `data` must outlive the source, which reports to
 * `log` how much it holds in memory. Collective. */
dcpg_status dcpg_cmd_source_all(const dcpg_cmd_named *data, const dcpg_strings *chromos,
                                const dcpg_want *want, dcpg_log *log, dcpg_source **source, dcpg_err *err);

/* Lists the chromosomes of the samples of `source`, which was made from `data`, in the order of the samples;
 * the caller frees `*stretch` with dcpg_free. The source owns the names. Local. */
dcpg_status dcpg_cmd_stretches(const dcpg_cmd_named *data, const dcpg_source *source,
                               dcpg_deepcpg_stretch **stretch, int64_t *nb, dcpg_err *err);

#endif
