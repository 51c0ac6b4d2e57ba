// Package runlog keeps what is known of runs beside their records: their events while they go, which other processes follow, and a
// line with the main figures of each.
package runlog
