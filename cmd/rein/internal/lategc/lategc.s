// This empty file lets a function of Go have no body.
