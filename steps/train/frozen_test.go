package train

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"rein/steps/artifact"
	"rein/steps/internal/encoder/encodertest"
	"rein/steps/stepstest"
)

// Rows that an earlier training has encoded must not be encoded again, and what is in the memo must not change a bit of the result.
func TestFrozenEncoderRemembersRows(t *testing.T) {
	c := encoderConfig(0)
	c.Model.Frozen = 2
	base := artifact.File{Path: encodertest.Folder(t, "bert")}
	rows, validation := toy(t, 300, 1), toy(t, 120, 2)
	train := func(seed int, memo *stepstest.Memo, in Inputs) []byte {
		t.Helper()
		c.Seed = seed
		in.Base = base
		env := stepstest.NewWithMemo(t, memo, "model")
		out, err := run(t.Context(), env.Env, c, in)
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(out.Model.Path, "weights.safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	both := Inputs{Rows: rows, Validation: validation}
	want := train(3, &stepstest.Memo{}, both)
	memo := &stepstest.Memo{}
	train(5, memo, Inputs{Rows: validation, Validation: toy(t, 50, 4)}) // other rows, other batches
	if got := train(3, memo, both); !bytes.Equal(want, got) {
		t.Error("a filled memo gave other weights")
	}
	puts := memo.Puts
	train(4, memo, both)
	if memo.Puts != puts {
		t.Errorf("%d rows were encoded again", memo.Puts-puts)
	}
}
