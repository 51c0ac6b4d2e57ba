package encoder

import (
	"context"

	"rein/steps/internal/hubfiles"
)

// Fetch gets an encoder's folder from the hub, or from the local cache of the hub, and returns its path.
func Fetch(ctx context.Context, repo hubfiles.Repo, progress func(done, total int)) (string, error) {
	needs := [][]string{{"config.json"}, {"model.safetensors"}, {"tokenizer.json", VocabFile}}
	return repo.Folder(ctx, needs, []string{"tokenizer_config.json"}, progress)
}
