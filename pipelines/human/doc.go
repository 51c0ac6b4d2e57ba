// Package human writes figures and text for people: counts, bytes, durations, shares, and columns of them on a terminal. Everything that
// is printed is written with it, so that one figure never looks two ways.
package human
