// Package runlog keeps information on runs beside their records: the events of a run in progress, which other processes follow, and one
// line with the main figures of each run.
package runlog
