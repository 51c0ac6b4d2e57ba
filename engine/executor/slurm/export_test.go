package slurm

// Looks is how often Slurm was asked about jobs.
func (q *Queue) Looks() int { return int(q.looks.Load()) }
