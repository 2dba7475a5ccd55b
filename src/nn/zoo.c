/* SPDX-License-Identifier: MIT */
/* The zoo: DeepCpG's models as specifications. */
#include <dcpg/spec.h>

#include "nn/spec_impl.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

const dcpg_zoo_row dcpg_zoo[] = {
    {"CnnL1h128", DCPG_PART_DNA, "conv[128@11]_mp[4]_flatten_fc[128]_do"},
    {"CnnL1h256", DCPG_PART_DNA, "conv[128@11]_mp[4]_flatten_fc[256]_do"},
    {"CnnL2h128", DCPG_PART_DNA, "conv[128@11]_mp[4]_conv[256@3]_mp[2]_flatten_fc[128]_do"},
    {"CnnL2h256", DCPG_PART_DNA, "conv[128@11]_mp[4]_conv[256@3]_mp[2]_flatten_fc[256]_do"},
    {"CnnL3h128", DCPG_PART_DNA, "conv[128@11]_mp[4]_conv[256@3]_mp[2]_conv[512@3]_mp[2]_flatten_fc[128]_do"},
    {"CnnL3h256", DCPG_PART_DNA, "conv[128@11]_mp[4]_conv[256@3]_mp[2]_conv[512@3]_mp[2]_flatten_fc[256]_do"},
    {"CnnRnn01", DCPG_PART_DNA, "conv[128@11]_mp[4]_conv[256@7]_mp[4]_bgru[256]_do"},
    {"ResNet01", DCPG_PART_DNA, "conv[128@11]_bn_relu_mp[2]_resb[2x128|2x256|2x512|1x1024]_gap_do"},
    {"ResNet02", DCPG_PART_DNA, "conv[128@11]_bn_relu_mp[2]_resb[3x128|3x256|3x512|1x1024]_gap_do"},
    {"ResConv01", DCPG_PART_DNA, "conv[128@11]_bn_relu_mp[2]_resc[2x128|1x256|1x256|1x512]_gap_do"},
    {"ResAtrous01", DCPG_PART_DNA, "conv[128@11]_mp[2]_resa[3x128|3x256|3x512|1x1024]_gap_do"},
    {"FcAvg", DCPG_PART_CPG, "fc[512]_gap_do"},
    {"RnnL1", DCPG_PART_CPG, "fc[256]_bgru[256]_do"},
    {"RnnL2", DCPG_PART_CPG, "fc[256]_bgru[128,seq]_bgru[256]_do"},
    {"JointL0", DCPG_PART_JOINT, ""},
    {"JointL1h512", DCPG_PART_JOINT, "fc[512]_do"},
    {"JointL2h512", DCPG_PART_JOINT, "fc[512]_do_fc[512]_do"},
    {"JointL3h512", DCPG_PART_JOINT, "fc[512]_do_fc[512]_do_fc[512]_do"},
    {NULL, DCPG_PART_DNA, NULL},
};

const dcpg_zoo_row *dcpg_zoo_find(dcpg_model_part part, const char *name) {
    for (const dcpg_zoo_row *row = dcpg_zoo; row->name; row++)
        if (row->part == part && strcasecmp(row->name, name) == 0) return row;
    return NULL;
}

dcpg_status dcpg_spec_find(dcpg_model_part part, const char *name_or_spec, const char **spec, dcpg_err *err) {
    static const char *const parts[] = {"DNA", "CpG", "joint"};
    static const char *const examples[] = {"conv[128@11]_mp[4]_fc[128]_do", "fc[256]_bgru[256]_do",
                                           "fc[512]_do"};
    const dcpg_zoo_row *row = dcpg_zoo_find(part, name_or_spec);
    *spec = row ? row->spec : name_or_spec;
    if (row) return DCPG_OK;
    if (*name_or_spec == '\0' || dcpg_spec_looks_like(name_or_spec)) {
        dcpg_spec parsed;
        return dcpg_spec_parse(name_or_spec, &parsed, err);
    }
    char known[512] = "";
    for (row = dcpg_zoo; row->name; row++)
        if (row->part == part) {
            size_t used = strlen(known);
            snprintf(known + used, sizeof known - used, "%s%s", used > 0 ? ", " : "", row->name);
        }
    return dcpg_fail(err, DCPG_E_USAGE, "%s model \"%s\" is not known; known are %s, or write one: %s",
                     parts[part], name_or_spec, known, examples[part]);
}
