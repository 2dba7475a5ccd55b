/* SPDX-License-Identifier: MIT */
/* Expands the words of --dna_files: files, and folders, whose FASTA files are taken. */
#include <dcpg/genome.h>
#include <dcpg/memory.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Cuts the ending `end`, in upper or lower case, off name[*length]; false if the name does not end so. */
static bool cut_ending(const char *name, size_t *length, const char *end) {
    size_t n = strlen(end);
    if (*length <= n || strncasecmp(name + *length - n, end, n) != 0) return false;
    *length -= n;
    return true;
}

static bool ends_as_fasta(const char *name, size_t length) {
    return cut_ending(name, &length, ".fa") || cut_ending(name, &length, ".fasta") ||
           cut_ending(name, &length, ".fna") || cut_ending(name, &length, ".fas");
}

static bool is_fasta_name(const char *name) {
    size_t length = strlen(name);
    if (name[0] == '.') return false;
    if (!cut_ending(name, &length, ".gz")) cut_ending(name, &length, ".bgz");
    return ends_as_fasta(name, length);
}

/* How to make FASTA of a file that holds sequences in another form; NULL if its name does not say that it
 * does, as for indexes and dictionaries (.fai, .gzi, .dict). */
static const char *remedy_of(const char *name) {
    static const struct {
        const char *end, *remedy;
        bool fasta; /* only if the name before the ending is that of a FASTA file */
    } kind[] = {{".2bit", "twoBitToFa makes FASTA of it", false},
                {".nib", "nibFrag makes FASTA of it", false},
                {".bz2", "bunzip2 makes FASTA of it", true},
                {".xz", "unxz makes FASTA of it", true},
                {".lzma", "unlzma makes FASTA of it", true},
                {".zst", "unzstd makes FASTA of it", true},
                {".lz4", "unlz4 makes FASTA of it", true},
                {".Z", "uncompress makes FASTA of it", true},
                {".rz", "gzip -dc makes FASTA of it", true},
                {".zip", "unzip takes FASTA out of it", true},
                {".tar.gz", "tar xzf takes FASTA out of it", true},
                {"chromFa.tar.gz", "tar xzf takes FASTA out of it", false},
                {"chromFa.zip", "unzip takes FASTA out of it", false},
                {".gbff.gz", "is GenBank's format: give the .fna file", false},
                {".gbff", "is GenBank's format: give the .fna file", false}};
    for (size_t i = 0; i < sizeof kind / sizeof *kind; i++) {
        size_t length = strlen(name);
        bool is = length == strlen(kind[i].end) ? strcasecmp(name, kind[i].end) == 0
                                                : cut_ending(name, &length, kind[i].end);
        if (is && name[0] != '.' && (!kind[i].fasta || ends_as_fasta(name, length))) return kind[i].remedy;
    }
    return NULL;
}

static dcpg_status add_path(const char *folder, const char *name, dcpg_strings *files, dcpg_err *err) {
    bool slash = folder[0] && folder[strlen(folder) - 1] == '/';
    char *path = dcpg_format("%s%s%s", folder, slash ? "" : "/", name);
    if (!path) return dcpg_fail_nomem(err, "a file name", strlen(folder) + strlen(name));
    dcpg_status status = dcpg_strings_add(files, path, err);
    dcpg_free(path);
    return status;
}

/* The files of a folder: FASTA, and sequences in other forms. */
typedef struct listing {
    dcpg_strings fasta, other;
} listing;

static dcpg_status read_folder(const char *folder, DIR *entries, listing *found, dcpg_err *err) {
    for (struct dirent *entry; (entry = readdir(entries));) {
        if (is_fasta_name(entry->d_name)) DCPG_TRY(add_path(folder, entry->d_name, &found->fasta, err));
        if (remedy_of(entry->d_name)) DCPG_TRY(dcpg_strings_add(&found->other, entry->d_name, err));
    }
    dcpg_strings_sort(&found->fasta);
    dcpg_strings_sort(&found->other);
    return DCPG_OK;
}

/* Names the first few: "genome.2bit (twoBitToFa makes FASTA of it), chr1.fa.xz (...)". */
static void name_others(const dcpg_strings *other, char *text, size_t size) {
    enum { MOST = 3 };
    size_t used = 0;
    *text = '\0';
    for (size_t i = 0; i < other->n && i < MOST && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s (%s)", i ? ", " : "", other->v[i],
                                 remedy_of(other->v[i]));
    if (other->n > MOST && used < size) snprintf(text + used, size - used, " and %zu more", other->n - MOST);
}

static dcpg_status take_folder(const char *folder, const listing *found, dcpg_strings *files,
                               dcpg_strings *notes, dcpg_err *err) {
    char others[512];
    name_others(&found->other, others, sizeof others);
    if (found->fasta.n == 0)
        return dcpg_fail(err, DCPG_E_INPUT,
                         "%s: holds no FASTA file (*.fa, *.fasta, *.fna, *.fas, also with .gz)%s%s", folder,
                         *others ? "; it holds " : "", others);
    for (size_t i = 0; i < found->fasta.n; i++) DCPG_TRY(dcpg_strings_add(files, found->fasta.v[i], err));
    if (!*others || !notes) return DCPG_OK;
    char *note = dcpg_format("%s: passed over: %s", folder, others);
    dcpg_status status =
        note ? dcpg_strings_add(notes, note, err) : dcpg_fail_nomem(err, "a message", sizeof others);
    dcpg_free(note);
    return status;
}

static dcpg_status add_folder(const char *folder, DIR *entries, dcpg_strings *files, dcpg_strings *notes,
                              dcpg_err *err) {
    listing found = {{0}, {0}};
    dcpg_status status = read_folder(folder, entries, &found, err);
    if (status == DCPG_OK) status = take_folder(folder, &found, files, notes, err);
    dcpg_strings_free(&found.fasta);
    dcpg_strings_free(&found.other);
    return status;
}

dcpg_status dcpg_fasta_list(const dcpg_strings *words, dcpg_strings *files, dcpg_strings *notes,
                            dcpg_err *err) {
    for (size_t i = 0; i < words->n; i++) {
        DIR *entries = opendir(words->v[i]);
        if (entries) {
            dcpg_status status = add_folder(words->v[i], entries, files, notes, err);
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
