/* SPDX-License-Identifier: MIT */
/* Checks of a data file before export writes anything (export_check.h). */
#include "analysis/export_check.h"

#include <dcpg/chromo.h>
#include <dcpg/output.h>

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

/* Leaves space for ".bedGraph.gz" and the number of a temporary name within the system's limit for file
 * names. */
enum { MAX_OUTPUT = 200 };

dcpg_status dcpg_export_check_chromo(const char *file, const char *name, size_t width, int64_t row,
                                     dcpg_err *err) {
    if (dcpg_chromo_fits(name, width)) return DCPG_OK;
    return dcpg_fail(err, DCPG_E_INPUT,
                     "%s: row %" PRId64 " of chromo is no name of a chromosome: " DCPG_CHROMO_RULE, file,
                     row);
}

dcpg_status dcpg_export_check_position(const char *file, int32_t pos, int64_t row, dcpg_err *err) {
    if (pos >= 1 && pos < INT32_MAX) return DCPG_OK;
    return dcpg_fail(err, DCPG_E_INPUT,
                     "%s: row %" PRId64 " of pos: %" PRId32
                     " is no position: the first is 1, the last %" PRId32,
                     file, row, pos, INT32_MAX - 1);
}

static dcpg_status fail_value(const export_values *v, const char *group, int64_t at, float value,
                              const char *wanted, dcpg_err *err) {
    return dcpg_fail(err, DCPG_E_INPUT, "%s: row %" PRId64 " of %s/%s: %g where %s should be", v->file,
                     v->first + at / v->classes, group, v->output, (double)value, wanted);
}

dcpg_status dcpg_export_check_values(const export_values *v, dcpg_err *err) {
    bool entropy = dcpg_output_kind_of(v->output).activation == DCPG_RELU;
    float most = entropy ? INFINITY : 1;
    const char *range = entropy ? "a finite number from 0 on" : "a number from 0 to 1";
    const char *missing = entropy ? "-1 or a finite number from 0 on" : "-1 or a number from 0 to 1";
    for (int64_t i = 0; i < v->n * v->classes; i++) {
        float label = v->label[i], prediction = v->prediction[i];
        bool unknown = isnan(label) || label == -1;
        if (!unknown && !(isfinite(label) && label >= 0 && label <= most))
            return fail_value(v, "outputs", i, label, missing, err);
        if (!(isfinite(prediction) && prediction >= 0 && prediction <= most))
            return fail_value(v, "preds", i, prediction, range, err);
    }
    return DCPG_OK;
}

dcpg_status dcpg_export_check_output(const char *file, const char *output, dcpg_err *err) {
    const char *last = strrchr(output, '/');
    bool fits = strlen(output) <= MAX_OUTPUT && output[0] != '.' && !(last && last[1] == '.');
    for (const char *c = output; fits && *c; c++) fits = (unsigned char)*c >= ' ' && *c != 0x7f;
    if (fits) return DCPG_OK;
    return dcpg_fail(
        err, DCPG_E_INPUT,
        "%s: an output is called '%.60s', which is no name for a file (control characters, '.' in "
        "front, or more than %d bytes): choose others with --output_names",
        file, strpbrk(output, "\n\r") ? "..." : output, MAX_OUTPUT);
}
