package encodertest

// jsonTokenizer returns the content of a tokenizer.json. For roberta it is byte-level BPE with a single merge; for mpnet it has the words
// of a BERT vocabulary and other special tokens. It has every field that Hugging Face's tokenizers library requires.
func jsonTokenizer(kind string, words []string) map[string]any {
	specials := []string{"<s>", "<pad>", "</s>", "[UNK]"}
	vocab, added := map[string]int{}, []any{}
	for id, s := range specials {
		vocab[s] = id
		added = append(added, map[string]any{"id": id, "content": s, "special": true, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false})
	}
	out := map[string]any{"version": "1.0", "added_tokens": added,
		"post_processor": map[string]any{"type": "RobertaProcessing", "cls": []any{"<s>", 0}, "sep": []any{"</s>", 2}, "trim_offsets": true, "add_prefix_space": false}}
	if kind == "mpnet" {
		for _, w := range words[5:] {
			vocab[w] = len(vocab)
		}
		out["normalizer"] = map[string]any{"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": nil, "lowercase": true}
		out["pre_tokenizer"] = map[string]any{"type": "BertPreTokenizer"}
		out["model"] = map[string]any{"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100, "vocab": vocab}
		return out
	}
	next := rune(256)
	for b := range rune(256) { // the letter that GPT-2 writes for each byte
		letter := b
		if !(b >= '!' && b <= '~' || b >= 0xa1 && b <= 0xac || b >= 0xae) {
			letter = next
			next++
		}
		vocab[string(letter)] = len(vocab)
	}
	vocab["th"] = len(vocab)
	out["pre_tokenizer"] = map[string]any{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true}
	out["model"] = map[string]any{"type": "BPE", "vocab": vocab, "merges": [][]string{{"t", "h"}}}
	return out
}

func vocabSize(kind string, words []string) int {
	if kind == "mpnet" {
		return len(words) - 1
	}
	return 4 + 256 + 1
}
