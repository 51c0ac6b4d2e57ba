"""Prints, for each operation of nlpaug that needs no download, how many variations a second it writes of the rows given."""
import json, sys, time
import nlpaug.augmenter.char as nac
import nlpaug.augmenter.word as naw

rows = json.load(open(sys.argv[1]))
operations = {
    "swap": naw.RandomWordAug(action="swap"),
    "delete": naw.RandomWordAug(action="delete"),
    "split": naw.SplitAug(),
    "keyboard": nac.KeyboardAug(),
}
speeds = {}
for name, aug in operations.items():
    start = time.perf_counter()
    for text in rows:
        aug.augment(text, n=1, num_thread=1)
    speeds[name] = len(rows) / (time.perf_counter() - start)
print(json.dumps(speeds))
