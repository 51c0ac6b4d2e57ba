package artifact

// Answer is a Scored row without what it says: a comparison of models reads no more, and so leaves the texts on disk.
type Answer struct {
	Set   string    `parquet:"set,dict"`
	Label string    `parquet:"label,dict"`
	Score float64   `parquet:"score"`
	Seeds []float64 `parquet:"seeds"`
}

// Answers returns the answers in the rows' order.
func (s Scores) Answers() ([]Answer, error) { return readAll[Answer](s.Path) }
