/* SPDX-License-Identifier: MIT */
/* Writes TensorBoard's event files. */
#include <dcpg/tensorboard.h>

#ifndef DCPG_HAVE_PROTOBUF_C

bool dcpg_events_available(void) { return false; }

dcpg_status dcpg_events_open(const char *path, int64_t keep, dcpg_events **events, dcpg_err *err) {
    (void)keep;
    *events = 0;
    return dcpg_fail(err, DCPG_E_USAGE,
                     "%s: this dcpg was built without protobuf-c, which TensorBoard's files need", path);
}

dcpg_status dcpg_events_add(dcpg_events *events, const dcpg_event *event, dcpg_err *err) {
    (void)events, (void)event, (void)err;
    return DCPG_OK;
}

dcpg_status dcpg_events_settle(dcpg_events *events, int64_t *bytes, dcpg_err *err) {
    (void)events, (void)err;
    *bytes = 0;
    return DCPG_OK;
}

void dcpg_events_close(dcpg_events *events) { (void)events; }

#else

#include "events.pb-c.h"
#include <dcpg/crc.h>
#include <dcpg/file.h>
#include <dcpg/memory.h>
#include <errno.h>
#include <string.h>

struct dcpg_events {
    FILE *file;
    char *path;
};

bool dcpg_events_available(void) { return true; }

static void put(unsigned char *to, uint64_t value, int bytes) {
    for (int i = 0; i < bytes; i++) to[i] = (unsigned char)(value >> 8 * i);
}

/* TFRecord's checksum: rotated and offset, so that the checksum of data that contains checksums is no special
 * case. */
static void put_checksum(unsigned char *to, const void *data, size_t n) {
    uint32_t crc = dcpg_crc32c(0, data, n);
    put(to, ((crc >> 15 | crc << 17) + 0xA282EAD8u) & 0xFFFFFFFFu, 4);
}

/* length (u64), its checksum, bytes, their checksum; little endian. */
static dcpg_status write_record(dcpg_events *e, const Dcpg__Event *event, dcpg_err *err) {
    enum { HEAD = 12, TAIL = 4 };
    size_t n = dcpg__event__get_packed_size(event);
    unsigned char *record = dcpg_alloc(HEAD + n + TAIL, 1);
    if (!record) return dcpg_fail_nomem(err, "an event", n);
    put(record, n, 8);
    put_checksum(record + 8, record, 8);
    dcpg__event__pack(event, record + HEAD);
    put_checksum(record + HEAD + n, record + HEAD, n);
    bool fine = fwrite(record, 1, HEAD + n + TAIL, e->file) == HEAD + n + TAIL && fflush(e->file) == 0;
    dcpg_free(record);
    return fine ? DCPG_OK : dcpg_fail(err, DCPG_E_IO, "%s: cannot be written: %s", e->path, strerror(errno));
}

static dcpg_status write_version(dcpg_events *e, dcpg_err *err) {
    char version[] = "brain.Event:2";
    Dcpg__Event event = DCPG__EVENT__INIT;
    event.what_case = DCPG__EVENT__WHAT_FILE_VERSION;
    event.file_version = version;
    return write_record(e, &event, err);
}

dcpg_status dcpg_events_open(const char *path, int64_t keep, dcpg_events **events, dcpg_err *err) {
    dcpg_events *e = dcpg_alloc(1, sizeof *e);
    *events = NULL;
    if (!e || !(e->path = dcpg_strdup(path))) {
        dcpg_free(e);
        return dcpg_fail_nomem(err, path, sizeof *e);
    }
    dcpg_status status = dcpg_file_continue(path, keep, &e->file, err);
    if (status == DCPG_OK && ftello(e->file) == 0) status = write_version(e, err);
    if (status == DCPG_OK)
        *events = e;
    else
        dcpg_events_close(e);
    return status;
}

dcpg_status dcpg_events_add(dcpg_events *e, const dcpg_event *event, dcpg_err *err) {
    size_t nb = (size_t)event->nb;
    Dcpg__Value *values = dcpg_alloc(nb, sizeof *values);
    Dcpg__Value **list = dcpg_alloc(nb, sizeof *list);
    dcpg_status status = values && list ? DCPG_OK : dcpg_fail_nomem(err, "events", nb * sizeof *values);
    for (int i = 0; i < event->nb && status == DCPG_OK; i++) {
        dcpg__value__init(&values[i]);
        values[i].tag = (char *)(uintptr_t)event->tag[i]; /* packing does not write to it */
        values[i].value_case = DCPG__VALUE__VALUE_SIMPLE_VALUE;
        values[i].simple_value = event->value[i];
        list[i] = &values[i];
    }
    if (status == DCPG_OK) {
        Dcpg__Summary summary = DCPG__SUMMARY__INIT;
        Dcpg__Event record = DCPG__EVENT__INIT;
        summary.n_value = nb;
        summary.value = list;
        record.wall_time = event->wall;
        record.step = event->step;
        record.what_case = DCPG__EVENT__WHAT_SUMMARY;
        record.summary = &summary;
        status = write_record(e, &record, err);
    }
    dcpg_free(list);
    dcpg_free(values);
    return status;
}

dcpg_status dcpg_events_settle(dcpg_events *e, int64_t *bytes, dcpg_err *err) {
    return dcpg_file_settle(e->file, e->path, bytes, err);
}

void dcpg_events_close(dcpg_events *e) {
    if (!e) return;
    if (e->file) fclose(e->file);
    dcpg_free(e->path);
    dcpg_free(e);
}

#endif
