/* SPDX-License-Identifier: MIT */
/* Headers of NumPy's arrays. */
#include "fuzz.h"
#include "npz/npy_header.h"

const char *const fuzz_seeds[] = {"{'descr': '<i4', 'fortran_order': False, 'shape': (3, 4), }   \n",
                                  "{\"shape\": (7L,), 'fortran_order': True, 'descr': '|S3'}",
                                  "{'descr': [('a', '<i4')], 'fortran_order': False, 'shape': ()}",
                                  "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", NULL};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = fuzz_text(data, size);
    dcpg_npy array;
    bool swapped = false;
    int64_t bytes = 0;
    if (!dcpg_npy_parse(text, &array, &swapped)) {
        FUZZ_REQUIRE(array.size >= 0 && array.ndim >= 0 && array.ndim <= DCPG_NPY_DIM);
        for (int i = 0; i < array.ndim; i++) FUZZ_REQUIRE(array.dim[i] >= 0);
        if (dcpg_npy_bytes(&array, &bytes)) FUZZ_REQUIRE(bytes >= 0);
    }
    free(text);
    return 0;
}
