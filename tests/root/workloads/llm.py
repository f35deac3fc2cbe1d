# SPDX-License-Identifier: Apache-2.0
"""llama.cpp writes text with a small model of random weights, which is made here, the same every time.

The text goes to the file TEXT, on and on until the context is full, which takes about a minute. READY
after its first bytes; ENDED, with its exit status, if it ends.

usage: llm.py TEXT
"""
import os
import subprocess
import sys
import time

import gguf
import numpy

MODEL = "/tmp/model.gguf"
WIDTH, LAYERS, HEADS, FORWARD, CONTEXT = 512, 4, 8, 1536, 8192
BYTES = [b"<0x%02X>" % byte for byte in range(256)]
PIECES = [bytes([letter]) for letter in b"abcdefghijklmnopqrstuvwxyz"] + ["\u2581".encode()]
FIRST_BYTES = 100
# One thread: several would spin while they wait for each other, on CPUs that others need as well.
COMMAND = ["llama-completion", "-m", MODEL, "-c", str(CONTEXT), "-n", "-1", "-p", "the", "--seed", "5",
           "-t", "1", "--no-warmup", "-no-cnv", "--ignore-eos"]


def add_vocabulary(writer):
    special = [b"<unk>", b"<s>", b"</s>"]
    kinds = gguf.TokenType
    writer.add_tokenizer_model("llama")
    writer.add_token_list(special + BYTES + PIECES)
    writer.add_token_types([kinds.UNKNOWN, kinds.CONTROL, kinds.CONTROL] + [kinds.BYTE] * len(BYTES) +
                           [kinds.NORMAL] * len(PIECES))
    writer.add_token_scores([0.0] * len(special + BYTES) + [-1.0 - i for i in range(len(PIECES))])
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_vocab_size(len(special + BYTES + PIECES))
    return len(special + BYTES + PIECES)


def add_weights(writer, words):
    random = numpy.random.default_rng(3)

    def add(name, *shape, scale=1.0):
        weights = random.standard_normal(shape, dtype=numpy.float32) * scale / shape[-1] ** 0.5
        writer.add_tensor(name + ".weight", weights.astype(numpy.float32))

    def add_ones(name):
        writer.add_tensor(name + ".weight", numpy.ones(WIDTH, numpy.float32))

    add("token_embd", words, WIDTH)
    add("output", words, WIDTH, scale=3.0)  # some words much likelier than others, as in language
    add_ones("output_norm")
    for layer in range(LAYERS):
        add_ones(f"blk.{layer}.attn_norm")
        add_ones(f"blk.{layer}.ffn_norm")
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            add(f"blk.{layer}.{name}", WIDTH, WIDTH)
        add(f"blk.{layer}.ffn_gate", FORWARD, WIDTH)
        add(f"blk.{layer}.ffn_up", FORWARD, WIDTH)
        add(f"blk.{layer}.ffn_down", WIDTH, FORWARD)


def make_model():
    writer = gguf.GGUFWriter(MODEL, "llama")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    add_weights(writer, add_vocabulary(writer))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main():
    path = sys.argv[1]
    make_model()
    with open(path, "wb") as text, open("/tmp/llama.log", "wb") as log:
        writer = subprocess.Popen(COMMAND, stdin=subprocess.DEVNULL, stdout=text, stderr=log)
    while os.path.getsize(path) < FIRST_BYTES and writer.poll() is None:
        time.sleep(0.05)
    if writer.poll() is None:
        print("READY", flush=True)
    print("ENDED", writer.wait(), flush=True)


main()
