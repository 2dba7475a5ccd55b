/* SPDX-License-Identifier: MIT */
/* The loader: two batches, of which the caller uses one while the other is prepared. */
#include <dcpg/loader.h>
#include <dcpg/memory.h>
#include <string.h>

/* A batch with its leaves. */
typedef struct slot {
    dcpg_batch *batch;
    dcpg_leaves leaves;
    int64_t *row; /* memory of leaves.row: a copy, as shards->row changes with every step */
} slot;

struct dcpg_loader {
    dcpg_source *source;
    dcpg_shards *shards;
    bool sweep;
    int64_t step;  /* step of the batch that dcpg_loader_next returns next */
    bool prepared; /* slot[next] holds that batch */
    int next;
    slot slot[2];
    int64_t *sample; /* [most samples of this rank in a step] */
    double waited, cutting;
};

static size_t nb_row(const dcpg_shards *shards) {
    return (size_t)(shards->end - shards->first) * (size_t)shards->nb_block + 1;
}

static dcpg_status open_slot(dcpg_loader *loader, slot *s, dcpg_err *err) {
    const dcpg_shards *shards = loader->shards;
    s->row = dcpg_alloc(nb_row(shards), sizeof *s->row);
    if (!s->row) return dcpg_fail_nomem(err, "a batch", nb_row(shards) * sizeof *s->row);
    int nb = shards->nb_block;
    s->leaves = (dcpg_leaves){
        .total = shards->total * nb, .first = shards->first * nb, .end = shards->end * nb, .row = s->row};
    return dcpg_batch_new(loader->source, dcpg_shards_max_share(shards), &s->batch, err);
}

dcpg_status dcpg_loader_new(dcpg_source *source, dcpg_shards *shards, bool sweep, dcpg_loader **loader,
                            dcpg_err *err) {
    *loader = NULL;
    dcpg_loader *l = dcpg_alloc(1, sizeof *l);
    if (!l) return dcpg_fail_nomem(err, "a loader", sizeof *l);
    l->source = source;
    l->shards = shards;
    l->sweep = sweep;
    size_t most = (size_t)dcpg_shards_max_share(shards);
    l->sample = dcpg_alloc(most, sizeof *l->sample);
    dcpg_status status = l->sample ? DCPG_OK : dcpg_fail_nomem(err, "a loader", most * sizeof *l->sample);
    for (int i = 0; i < 2 && status == DCPG_OK; i++) status = open_slot(l, &l->slot[i], err);
    if (status != DCPG_OK) {
        dcpg_loader_free(l);
        return status;
    }
    *loader = l;
    return DCPG_OK;
}

void dcpg_loader_free(dcpg_loader *loader) {
    if (!loader) return;
    for (int i = 0; i < 2; i++) {
        dcpg_batch_free(loader->slot[i].batch);
        dcpg_free(loader->slot[i].row);
    }
    dcpg_free(loader->sample);
    dcpg_free(loader);
}

void dcpg_loader_seek(dcpg_loader *loader, int64_t step) {
    loader->step = step;
    loader->prepared = false;
}

static dcpg_status cut(dcpg_loader *loader, dcpg_err *err) {
    double started = dcpg_now();
    dcpg_shards *shards = loader->shards;
    slot *s = &loader->slot[loader->next];
    int64_t n = loader->sweep ? dcpg_shards_sweep(shards, loader->step, loader->sample)
                              : dcpg_shards_step(shards, loader->step, loader->sample);
    memcpy(s->row, shards->row, nb_row(shards) * sizeof *s->row);
    dcpg_status status = loader->source->ops->fill(loader->source, n, loader->sample, s->batch, err);
    loader->prepared = status == DCPG_OK;
    loader->cutting += dcpg_now() - started;
    return status;
}

dcpg_status dcpg_loader_next(dcpg_loader *loader, const dcpg_batch **batch, const dcpg_leaves **leaves,
                             dcpg_err *err) {
    if (!loader->prepared) {
        double before = loader->cutting;
        DCPG_TRY(cut(loader, err));
        loader->waited += loader->cutting - before;
    }
    *batch = loader->slot[loader->next].batch;
    *leaves = &loader->slot[loader->next].leaves;
    loader->next = 1 - loader->next;
    loader->step++;
    loader->prepared = false;
    return DCPG_OK;
}

dcpg_status dcpg_loader_prepare(dcpg_loader *loader, dcpg_err *err) {
    int64_t steps =
        loader->sweep ? dcpg_shards_sweep_steps(loader->shards) : dcpg_shards_steps(loader->shards);
    if (loader->prepared || loader->step >= steps) return DCPG_OK;
    return cut(loader, err);
}

double dcpg_loader_waited(const dcpg_loader *loader) { return loader->waited; }

double dcpg_loader_cutting(const dcpg_loader *loader) { return loader->cutting; }
