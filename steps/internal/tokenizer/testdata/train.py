"""Trains a tokenizer of each kind on the texts of a JSON-lines file, and writes what Hugging Face makes of others.

train.py OUT TEXTS VOCABULARY QUESTIONS: OUT/KIND/tokenizer.json, and the ids of each question in OUT/KIND/ids.jsonl. Where
sentencepiece is installed, two more kinds have its table of characters.
"""
import io, json, os, sys
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

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


def unigram(normal, split):
    t = Tokenizer(models.Unigram())
    t.normalizer, t.pre_tokenizer = normalizers.Sequence(normal + [normalizers.Replace(Regex(" {2,}"), " ")]), split
    t.train_from_iterator(texts, trainers.UnigramTrainer(vocab_size=size, special_tokens=specials, unk_token="<unk>", show_progress=False))
    return t


def sentencepiece_table():
    try:
        import sentencepiece
        from sentencepiece import sentencepiece_model_pb2
    except ImportError:
        return None
    model, parsed = io.BytesIO(), sentencepiece_model_pb2.ModelProto()
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(texts[:200]), model_writer=model, vocab_size=2000, hard_vocab_limit=False,
                                             character_coverage=0.98, normalization_rule_name="nmt_nfkc", minloglevel=2)
    parsed.ParseFromString(model.getvalue())
    return parsed.normalizer_spec.precompiled_charsmap


words = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
finish("unigram", unigram([normalizers.NFC()], pre_tokenizers.Metaspace()))
finish("unigram-words", unigram([normalizers.NFC(), normalizers.Strip()], words))
if table := sentencepiece_table():
    finish("xlm-roberta", unigram([normalizers.Precompiled(table)], words))
    finish("deberta", unigram([normalizers.Precompiled(table), normalizers.Strip(left=False, right=True)], pre_tokenizers.Metaspace()))
finish("roberta", bpe(False))
finish("prefixed", bpe(True))
finish("mpnet", wordpiece())
