"""Saves a random model of a type, with a given folder's tokenizer, and prints what it pools of some ids as JSON.

random_model.py TYPE TOKENIZER_FOLDER OUT
"""
import json, os, shutil, sys
import torch
from transformers import AutoConfig, AutoModel

kind, tokenizer, out = sys.argv[1:]
old = json.load(open(f"{tokenizer}/config.json"))
sizes = dict(hidden_size=48, num_hidden_layers=3, num_attention_heads=4, intermediate_size=96)
if kind == "distilbert":
    sizes = dict(dim=48, n_layers=3, n_heads=4, hidden_dim=96)
pad = old["pad_token_id"]
positions = 300 + (pad + 1 if pad else 0)
torch.manual_seed(3)
config = AutoConfig.for_model(kind, vocab_size=old["vocab_size"], max_position_embeddings=positions, pad_token_id=pad, initializer_range=0.2, **sizes)
model = AutoModel.from_config(config).eval()
for p in model.parameters():  # gives every weight its own values, so that no two can be mixed up
    torch.nn.init.normal_(p, std=0.2)
model.save_pretrained(out)
for name in ("vocab.txt", "tokenizer.json", "tokenizer_config.json"):
    if os.path.exists(f"{tokenizer}/{name}"):
        shutil.copy(f"{tokenizer}/{name}", out)
ids = torch.randint(5, old["vocab_size"], (3, 290))
ids[1, 200:], ids[2, 7:] = pad, pad
mask = (ids != pad).long()
with torch.no_grad():
    hidden = model(input_ids=ids, attention_mask=mask).last_hidden_state
pooled = (hidden * mask.unsqueeze(-1)).sum(1) / mask.sum(1, keepdim=True)
print(json.dumps({"ids": ids.tolist(), "pooled": pooled.tolist()}))
