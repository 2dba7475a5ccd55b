/* SPDX-License-Identifier: MIT */
/* Class weights from label counts, as in DeepCpG 1.0.7. */
#include <dcpg/output.h>
#include <dcpg/train.h>

void dcpg_class_weights(int nb_output, const char *const *names, const int64_t *counts, float *weight) {
    for (int o = 0; o < nb_output; o++) {
        const int64_t *count = counts + (size_t)o * DCPG_MAX_CLASSES;
        float *w = weight + (size_t)o * DCPG_MAX_CLASSES;
        int nb_class = dcpg_output_kind_of(names[o]).nb_class;
        double inverse[DCPG_MAX_CLASSES], observed = 0, sum = 0;
        for (int c = 0; c < nb_class; c++) observed += (double)count[c];
        for (int c = 0; c < nb_class; c++) {
            double frequency = observed > 0 ? (double)count[c] / observed : 0;
            inverse[c] = 1 / (frequency + 1e-7);
            sum += inverse[c];
        }
        for (int c = 0; c < DCPG_MAX_CLASSES; c++) w[c] = c < nb_class ? (float)(inverse[c] / sum) : 1;
    }
}
