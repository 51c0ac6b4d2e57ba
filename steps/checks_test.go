package steps

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
)

func TestChecksTellAll(t *testing.T) {
	var c Checks
	c.Between("share", 2, 0, 1)
	c.Between("rate", math.NaN(), 0, 1)
	c.Want(true, "fine: %d", 1)
	c.Known("methods", "synonyms", []string{"synonym"})
	c.Known("methods", "synonym", []string{"synonym"})
	c.Within("model", errors.Join(errors.New("dim: 0"), errors.New("hidden: 0")))
	c.Within("model", nil)
	c.Add(nil)
	var got []string
	for _, p := range Problems(c.Err()) {
		got = append(got, p.Error())
	}
	want := "share: 2 is not between 0 and 1|rate: NaN is not between 0 and 1|methods: there is no \"synonyms\"; there are synonym|model.dim: 0|model.hidden: 0"
	if strings.Join(got, "|") != want {
		t.Errorf("%q", got)
	}
	if (&Checks{}).Err() != nil || Problems(nil) != nil || len(Problems(fmt.Errorf("one"))) != 1 {
		t.Error("nothing is wrong, and something is said")
	}
}

func TestListsAreWrittenAsInFiles(t *testing.T) {
	if got := Listed([]float64{0.4, 0.6}) + Listed([]string{"a", "b"}) + Listed([]int(nil)); got != `[0.4, 0.6]["a", "b"][]` {
		t.Error(got)
	}
}
