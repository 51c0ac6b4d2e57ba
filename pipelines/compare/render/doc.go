// Package render writes comparisons and differences for people and programs: as a table, Markdown, one HTML page, JSON, and the
// text of a diff. What is compared, and what is concluded of it, is package compare's; the words are here.
package render
