package lang

// executorSchema and cacheSchema are a project's blocks: beside pipelines, in rein.hcl, or in a pipeline file.
var executorSchema = blockSchema{name: "executor", labels: []string{"type", "name"},
	doc: "A place beyond this machine where steps may run, of type \"slurm\". It stands in `rein.hcl` beside go.mod or .git, or in a pipeline file. The nodes share the state folder's file system, or files go through the shared cache (`files`). A step picks one with `executor = \"NAME\"`, `--executor NAME` picks one for all.",
	args: []argSchema{
		{name: "partition", typ: "string", doc: "sbatch --partition."},
		{name: "account", typ: "string", doc: "sbatch --account."},
		{name: "qos", typ: "string", doc: "sbatch --qos."},
		{name: "gres", typ: "string", doc: "sbatch --gres of every job. Without it a step's `gpu = N` becomes gpu:N."},
		{name: "time", typ: "string", doc: "Limit of a step without a timeout: \"90m\", \"4h\", or as Slurm writes it, \"1-12:00:00\". Default: the partition's."},
		{name: "setup", typ: "list of strings", doc: "Lines of shell before the step: \"module load cuda\"."},
		{name: "args", typ: "list of strings", doc: "Further sbatch arguments: \"--exclusive\"."},
		{name: "max_jobs", typ: "number", doc: "Jobs out at a time. Default 100."},
		{name: "poll", typ: "string", doc: "Time between two looks at the queue, one squeue for all jobs. Default \"2s\"."},
		{name: "requeues", typ: "number", doc: "How often a job is sent again that was preempted or lost its node; it goes on from its checkpoint. Default 3."},
		{name: "more_memory", typ: "number", doc: "Factor of memory with which a job is sent again that ran out of it. Default: it has failed."},
		{name: "more_time", typ: "number", doc: "Factor of time with which a job is sent again that ran out of it. Default: it has failed."},
		{name: "on_interrupt", typ: "string", doc: "What Ctrl-C does with jobs that are out: \"cancel\", \"leave\" (the next run finds them again), or \"ask\", which cancels where nobody can answer. Default ask."},
		{name: "files", typ: "string", doc: "How the nodes come by files: \"shared\", the state folder is on a file system of theirs too, or \"cache\", inputs, outputs and orders go through the project's shared cache, which the nodes must reach with credentials of their own. Default shared."},
		{name: "rein", typ: "string", doc: "Path of this program on the nodes. Default: the path it has here."},
	},
	sample: "executor \"slurm\" \"gpu\" {\n  partition   = \"gpu\"\n  gres        = \"gpu:1\"\n  time        = \"4h\"\n  setup       = [\"module load cuda\"]\n  max_jobs    = 50\n  more_memory = 2\n}\n"}

var cacheSchema = blockSchema{name: "cache", single: true,
	doc: "Results shared with other machines: fetched before a step would run, sent after it ran. Credentials come from the usual chains of the bucket's maker.",
	args: []argSchema{
		{name: "remote", typ: "string", required: true, doc: "s3://BUCKET/PREFIX?region=..., gs://BUCKET/PREFIX, azblob://CONTAINER/PREFIX, or file:///FOLDER."},
		{name: "mode", typ: "string", doc: "\"read-write\", or \"read-only\" to fetch and never send: for checks of pull requests. Default read-write."},
		{name: "trust", typ: "list of strings", doc: "Public keys (`rein cache key`): only results that one of them signed are fetched. Who has the private key in REIN_SIGNING_KEY signs what it sends; who doesn't sends nothing. Default: all results are trusted."},
		{name: "timeout", typ: "string", doc: "How long an answer may take before the run goes on without the shared cache. Default \"5s\"."},
	},
	sample: "cache {\n  remote = \"s3://team-bucket/rein?region=eu-central-1\"\n}\n"}
