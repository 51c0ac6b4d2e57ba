package train

import "math"

// schedule is the share of the highest rates at an update.
func (c Config) schedule(update, total int) float64 {
	warm := c.Warmup * float64(total)
	if u := float64(update) + 1; u < warm {
		return u / warm
	}
	left := 1.0
	if span := float64(total) - warm; span > 0 {
		left = min((float64(total)-float64(update))/span, 1)
	}
	switch c.Schedule {
	case "linear":
		return left
	case "cosine":
		return (1 - math.Cos(math.Pi*left)) / 2
	}
	return 1
}

// horizon is the number of epochs over which the rates rise and fall.
func (c Config) horizon() int {
	if c.Horizon > 0 {
		return c.Horizon
	}
	return c.Epochs
}

// continuable tells whether the first epochs of a longer training are these.
func (c Config) continuable() bool { return c.Horizon > 0 || c.Schedule == "constant" && c.Warmup == 0 }
