"""Trains a tokenizer of each kind on the texts of a JSON-lines file, and writes what Hugging Face makes of others.

train.py OUT TEXTS VOCABULARY QUESTIONS: OUT/KIND/tokenizer.json, and the ids of each question in OUT/KIND/ids.jsonl
"""
import json, os, sys
from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

out, texts, size, questions = sys.argv[1], [json.loads(l) for l in open(sys.argv[2])], int(sys.argv[3]), [json.loads(l) for l in open(sys.argv[4])]
specials = ["<s>", "<pad>", "</s>", "<unk>"]


def finish(kind, t):
    t.add_special_tokens([AddedToken("<mask>", lstrip=True, normalized=False)])
    t.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=True, add_prefix_space=False)
    os.makedirs(f"{out}/{kind}", exist_ok=True)
    t.save(f"{out}/{kind}/tokenizer.json")
    with open(f"{out}/{kind}/ids.jsonl", "w") as f:
        for q in questions:
            f.write(json.dumps(t.encode(q).ids) + "\n")


def bpe(prefix):
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix)
    t.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=size, special_tokens=specials, show_progress=False,
                                                     initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    return t


def wordpiece():
    t = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=100))
    t.normalizer, t.pre_tokenizer = normalizers.BertNormalizer(lowercase=True), pre_tokenizers.BertPreTokenizer()
    t.train_from_iterator(texts, trainers.WordPieceTrainer(vocab_size=size, special_tokens=specials + ["[UNK]"], show_progress=False))
    return t


finish("roberta", bpe(False))
finish("prefixed", bpe(True))
finish("mpnet", wordpiece())
