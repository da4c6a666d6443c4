"""A folder of Markdown into a vector store, as one writes it in Python in an afternoon.

langchain cuts, fastembed embeds, qdrant-client keeps. The model's files and the size of a chunk are daedap's; everything
else is what the libraries do by default, or what a flag says. Prints one JSON object. The clock runs from the first file
to the last upsert; the model is loaded and has embedded a text before that, and the collection exists, as in `daedap ingest`.
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

from fastembed import TextEmbedding
from fastembed.common.model_description import ModelSource, PoolingType
from langchain_text_splitters import MarkdownHeaderTextSplitter, RecursiveCharacterTextSplitter
from qdrant_client import QdrantClient
from qdrant_client.models import Distance, VectorParams
from tokenizers import Tokenizer

MODEL = "all-minilm-l6-v2-int8"
DIMENSIONS = 384
COLLECTION = "documents"
# daedap's defaults: 256 tokens, of which the model's two marks leave 254, and an overlap of 32.
CHUNK_TOKENS = 254
OVERLAP_TOKENS = 32
HEADINGS = [("#" * level, f"h{level}") for level in range(1, 7)]


class Splitter:
    """Sections first, so that no chunk crosses a heading; then pieces of them that fit. Headings stay in the text."""

    def __init__(self, tokenizer_file):
        tokenizer = Tokenizer.from_file(str(tokenizer_file))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self.sections = MarkdownHeaderTextSplitter(HEADINGS, strip_headers=False)
        self.pieces = RecursiveCharacterTextSplitter.from_language(
            "markdown",
            chunk_size=CHUNK_TOKENS,
            chunk_overlap=OVERLAP_TOKENS,
            length_function=lambda text: len(tokenizer.encode(text, add_special_tokens=False)),
        )

    def split(self, text):
        return self.pieces.split_documents(self.sections.split_text(text))


class Stages:
    """Seconds by stage."""

    def __init__(self):
        self.seconds = {}
        self.since = time.perf_counter()

    def ended(self, stage):
        now = time.perf_counter()
        self.seconds[stage] = now - self.since
        self.since = now


def load_model(folder, threads):
    TextEmbedding.add_custom_model(
        model=MODEL,
        pooling=PoolingType.MEAN,
        normalization=True,
        # Must be named, and is not asked: the files are here.
        sources=ModelSource(hf="local"),
        dim=DIMENSIONS,
        model_file="model.onnx",
    )
    model = TextEmbedding(MODEL, threads=threads, specific_model_path=str(folder))
    list(model.embed(["warm"]))
    return model


def ingest(folder, splitter, model, client, options):
    stages = Stages()
    files = sorted(folder.rglob("*.md"))
    texts = [file.read_text(encoding="utf-8") for file in files]
    stages.ended("read")
    chunks = [
        {"source": str(file), "headings": list(chunk.metadata.values()), "text": chunk.page_content}
        for file, text in zip(files, texts)
        for chunk in splitter.split(text)
    ]
    stages.ended("split")
    vectors = list(model.embed([chunk["text"] for chunk in chunks], **options))
    stages.ended("embed")
    client.upload_collection(COLLECTION, vectors=vectors, payload=chunks)
    stages.ended("upsert")
    seconds = sum(stages.seconds.values())
    return {
        "files": len(files),
        "chunks": client.count(COLLECTION).count,
        "seconds": seconds,
        "chunks_per_s": len(chunks) / seconds,
        "stages": stages.seconds,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", type=Path, required=True, help="the folder of the model's files")
    parser.add_argument("--batch-size", type=int, help="texts embedded at once; fastembed's default is 256")
    parser.add_argument("--threads", type=int, help="of ONNX Runtime; 0: one for each core, pinned to none")
    parser.add_argument("--parallel", type=int, help="processes that embed; 0: one for each core")
    arguments = parser.parse_args()
    given = {"batch_size": arguments.batch_size, "parallel": arguments.parallel}
    options = {name: value for name, value in given.items() if value is not None}
    splitter = Splitter(arguments.model / "tokenizer.json")
    threads = os.cpu_count() if arguments.threads == 0 else arguments.threads
    model = load_model(arguments.model, threads)
    with tempfile.TemporaryDirectory() as store:
        client = QdrantClient(path=store)
        client.create_collection(COLLECTION, VectorParams(size=DIMENSIONS, distance=Distance.COSINE))
        report = ingest(arguments.folder, splitter, model, client, options)
        client.close()
    print(json.dumps(report))


if __name__ == "__main__":
    main()
