package slurm

import "time"

// Looks is how often Slurm was asked about jobs.
func (q *Queue) Looks() int { return int(q.looks.Load()) }

// SetAnswerTime sets how long an answer is waited for that may not come, and returns what sets it back.
func SetAnswerTime(d time.Duration) (restore func()) {
	old := answerTime
	answerTime = d
	return func() { answerTime = old }
}

// SetWordLooks sets for how many intervals Slurm's word on an answered job is waited for, and returns what sets it back.
func SetWordLooks(n int) (restore func()) {
	old := wordLooks
	wordLooks = n
	return func() { wordLooks = old }
}
