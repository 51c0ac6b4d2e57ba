package hardneg

// template is a benign text with places to fill in. %a and %b are words that alone push benign text over the threshold; %s is a sentence
// from a false positive that contains one of them.
type template struct{ kind, text string }

// The kinds of hard negatives.
const (
	boundary = "boundary case"
	jargon   = "technical jargon"
	task     = "complex task"
)

var templates = []template{
	{boundary, "The word \"%a\" is on our list for the spelling test. Use it in a sentence with \"%b\"."},
	{boundary, "In the minutes I wrote \"%s\". Is that too blunt for a note to all staff?"},
	{boundary, "My form was rejected because it contains the word %a. How do I word it without %b?"},
	{boundary, "%s - that was the subject of a mail from the school. What might they mean?"},
	{boundary, "Why does our spam filter dislike %a next to %b? We only sell garden chairs."},
	{boundary, "Which is more polite in a letter: %a or %b?"},
	{boundary, "A pupil asked me what %a has to do with %b. I'd like to answer in two sentences."},
	{boundary, "The heading says %a, the paragraph says %b. Which of them should I keep?"},
	{boundary, "Somebody stuck a note on my desk: \"%s\" I think it's a joke, but how do I reply kindly?"},
	{jargon, "In our glossary, %a is defined by means of %b. Write the entry for %a so that new staff understand it."},
	{jargon, "The log prints %a, then %b, then nothing. Which part of the service should I look at?"},
	{jargon, "Our style guide says to avoid %a in error messages. Suggest a label for the %b button."},
	{jargon, "The column %a has %b in half of its rows. How do I clean this in a spreadsheet?"},
	{jargon, "The ticket is titled \"%s\". Which team should get it: network, accounts or web?"},
	{jargon, "Explain the flag --%a of our build tool, and when one sets --%b as well."},
	{jargon, "Name the variable that holds %a and the function that checks %b, in the style of the rest of our code."},
	{jargon, "Translate the terms %a and %b for the German manual and give a sentence for each."},
	{task, "Read the following and make a table of who says what, then count how often %a and %b occur: %s"},
	{task, "Write three exam questions about %a, an answer key, and a hint for pupils who only know %b."},
	{task, "Turn this into a polite summary of 30 words, then into one of 10, and keep the word %a: %s"},
	{task, "Compare how newspapers used %a and %b a hundred years ago and today. Structure: thesis, two examples, conclusion."},
	{task, "I moderate a forum. Sort these by topic and propose a title for each: 1. %s 2. a question about %a 3. thanks for %b"},
	{task, "Plan a workshop on how %a differs from %b: goals, material, a schedule of 90 minutes, one exercise."},
	{task, "Check this for grammar, mark each change, and say which rule it follows: %s"},
	{task, "Make a crossword of ten words with %a across and %b down; write the clues, too."},
}
