package encoder

import (
	"context"

	"rein/steps/internal/hubfiles"
)

// Fetch gets an encoder's folder from the hub, or from the cache of what came from there.
func Fetch(ctx context.Context, repo hubfiles.Repo, progress func(done, total int)) (string, error) {
	needs := [][]string{{"config.json"}, {"model.safetensors"}, {"tokenizer.json", VocabFile}}
	return repo.Folder(ctx, needs, []string{"tokenizer_config.json"}, progress)
}
