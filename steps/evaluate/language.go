package evaluate

import (
	"context"
	"runtime"
	"sync"

	"rein/cache"
	"rein/engine"
	"rein/steps/internal/text"
)

// languagesOf returns the language of each text. It works on all cores. Languages that only trigrams can tell are kept in the memo, because
// every model is measured on the same texts.
func languagesOf(ctx context.Context, memo engine.Memo, texts []string) ([]string, error) {
	out, keys := make([]string, len(texts)), make([]cache.Digest, len(texts))
	each(len(texts), func(i int) {
		if out[i] = text.PlainLanguage(texts[i]); out[i] == "" {
			keys[i] = cache.Sum([]byte("language 1 " + text.LanguagePart(texts[i])))
		}
	})
	slow := make([]int, 0, len(texts))
	for i := range texts {
		if out[i] == "" {
			keys[len(slow)] = keys[i]
			slow = append(slow, i)
		}
	}
	keys = keys[:len(slow)]
	known, err := memo.GetMany(ctx, keys)
	if err != nil {
		return nil, err
	}
	each(len(slow), func(k int) {
		if out[slow[k]] = string(known[k]); len(known[k]) == 0 {
			out[slow[k]] = text.TrigramLanguage(texts[slow[k]])
		}
	})
	var newKeys []cache.Digest
	var values [][]byte
	for k, i := range slow {
		if len(known[k]) == 0 {
			newKeys, values = append(newKeys, keys[k]), append(values, []byte(out[i]))
		}
	}
	if len(newKeys) == 0 {
		return out, nil
	}
	return out, memo.PutMany(ctx, newKeys, values)
}

// each calls f with 0 to n-1, on all cores.
func each(n int, f func(int)) {
	var wg sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for first := range workers {
		wg.Go(func() {
			for i := first; i < n; i += workers {
				f(i)
			}
		})
	}
	wg.Wait()
}
