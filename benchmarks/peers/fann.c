/* What the FANN peer runs: whole epochs over batches that were split once, through FANN's own training functions.
   Weights go in and out as each layer's matrix (fan_in rows, fan_out columns), then its biases. */
#include <fann.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    struct fann *net;
    struct fann_train_data **batches;
    int n_batches;
} Bench;

static struct fann_train_data *rows(const float *X, const float *Y, int n, int inputs, int outputs) {
    struct fann_train_data *data = fann_create_train(n, inputs, outputs);
    for (int i = 0; data && i < n; i++) {
        memcpy(data->input[i], X + (size_t)i * inputs, inputs * sizeof(float));
        memcpy(data->output[i], Y + (size_t)i * outputs, outputs * sizeof(float));
    }
    return data;
}

/* Incremental training takes all examples as one set and updates after each; else each batch is a set and an update. */
Bench *bench_new(int n_layers, const unsigned *sizes, int identity, int incremental, float learning_rate, int batch,
                 int n_batches, const float *X, const float *Y) {
    Bench *bench = calloc(1, sizeof *bench);
    int inputs = sizes[0], outputs = sizes[n_layers - 1];
    bench->net = fann_create_standard_array(n_layers, sizes);
    fann_set_activation_function_hidden(bench->net, FANN_SIGMOID); /* its steepness of 0.5 makes 1 / (1 + exp(-z)) */
    fann_set_activation_function_output(bench->net, identity ? FANN_LINEAR : FANN_SIGMOID);
    if (identity) fann_set_activation_steepness_output(bench->net, 1.0f);
    fann_set_train_error_function(bench->net, FANN_ERRORFUNC_LINEAR);
    fann_set_training_algorithm(bench->net, incremental ? FANN_TRAIN_INCREMENTAL : FANN_TRAIN_BATCH);
    fann_set_learning_rate(bench->net, learning_rate);
    fann_set_learning_momentum(bench->net, 0.0f);
    int size = incremental ? batch * n_batches : batch;
    bench->n_batches = incremental ? 1 : n_batches;
    bench->batches = calloc(bench->n_batches, sizeof *bench->batches);
    for (int k = 0; k < bench->n_batches; k++)
        bench->batches[k] = rows(X + (size_t)k * size * inputs, Y + (size_t)k * size * outputs, size, inputs, outputs);
    return bench;
}

/* FANN's weights lie neuron by neuron, each neuron's bias last; its own setter takes a search for each weight. */
static void copy_weights(Bench *bench, int n_layers, const unsigned *sizes, float *numbers, int in) {
    float *weight = bench->net->weights;
    for (int l = 1; l < n_layers; l++) {
        for (unsigned k = 0; k < sizes[l]; k++)
            for (unsigned i = 0; i <= sizes[l - 1]; i++, weight++) {
                float *number = numbers + (size_t)i * sizes[l] + k;
                if (in) *weight = *number;
                else *number = *weight;
            }
        numbers += (size_t)(sizes[l - 1] + 1) * sizes[l];
    }
}

void bench_set(Bench *bench, int n_layers, const unsigned *sizes, float *numbers) {
    copy_weights(bench, n_layers, sizes, numbers, 1);
}

void bench_get(Bench *bench, int n_layers, const unsigned *sizes, float *numbers) {
    copy_weights(bench, n_layers, sizes, numbers, 0);
}

void bench_run(Bench *bench, int epochs) {
    for (int e = 0; e < epochs; e++)
        for (int k = 0; k < bench->n_batches; k++) fann_train_epoch(bench->net, bench->batches[k]);
}

void bench_free(Bench *bench) {
    for (int k = 0; k < bench->n_batches; k++) fann_destroy_train(bench->batches[k]);
    free(bench->batches);
    fann_destroy(bench->net);
    free(bench);
}
