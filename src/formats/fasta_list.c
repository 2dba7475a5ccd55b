#include <dcpg/memory.h>
#include <dcpg/profile.h>
#include <dirent.h>
#include <errno.h>
#include <string.h>

static bool ends_with(const char *text, size_t length, const char *end) {
    size_t n = strlen(end);
    return length > n && strncmp(text + length - n, end, n) == 0;
}

static bool is_fasta_name(const char *name) {
    size_t length = strlen(name);
    if (name[0] == '.') return false;
    if (ends_with(name, length, ".gz"))
        length -= 3;
    else if (ends_with(name, length, ".bgz"))
        length -= 4;
    return ends_with(name, length, ".fa") || ends_with(name, length, ".fasta") ||
           ends_with(name, length, ".fna");
}

static dcpg_status add_path(const char *folder, const char *name, dcpg_strings *files, dcpg_err *err) {
    bool slash = folder[0] && folder[strlen(folder) - 1] == '/';
    char *path = dcpg_format("%s%s%s", folder, slash ? "" : "/", name);
    if (!path) return dcpg_fail_nomem(err, "a file name", strlen(folder) + strlen(name));
    dcpg_status status = dcpg_strings_add(files, path, err);
    dcpg_free(path);
    return status;
}

static dcpg_status add_folder(const char *folder, DIR *entries, dcpg_strings *files, dcpg_err *err) {
    dcpg_strings found = {0};
    dcpg_status status = DCPG_OK;
    for (struct dirent *entry; status == DCPG_OK && (entry = readdir(entries));) {
        if (is_fasta_name(entry->d_name)) status = add_path(folder, entry->d_name, &found, err);
    }
    if (status == DCPG_OK && found.n == 0) {
        status = dcpg_fail(err, DCPG_E_INPUT, "%s: holds no FASTA file (*.fa, *.fasta, *.fna, also with .gz)",
                           folder);
    }
    dcpg_strings_sort(&found);
    for (size_t i = 0; i < found.n && status == DCPG_OK; i++)
        status = dcpg_strings_add(files, found.v[i], err);
    dcpg_strings_free(&found);
    return status;
}

dcpg_status dcpg_fasta_list(const dcpg_strings *words, dcpg_strings *files, dcpg_err *err) {
    for (size_t i = 0; i < words->n; i++) {
        DIR *entries = opendir(words->v[i]);
        if (entries) {
            dcpg_status status = add_folder(words->v[i], entries, files, err);
            closedir(entries);
            DCPG_TRY(status);
        } else if (errno == ENOTDIR) {
            DCPG_TRY(dcpg_strings_add(files, words->v[i], err));
        } else {
            return dcpg_fail(err, DCPG_E_INPUT, "%s: %s", words->v[i], strerror(errno));
        }
    }
    return DCPG_OK;
}
