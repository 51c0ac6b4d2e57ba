package grammar

// executor and cache are a project's blocks: beside pipelines, in rein.hcl, or in a pipeline file.
var executor = Block{Name: "executor", Labels: []string{"type", "name"},
	Doc: "A place beyond this machine where steps may run, of type \"slurm\". It stands in `rein.hcl` beside go.mod or .git, or in a pipeline file. The nodes share the state folder's file system, or files go through the shared cache (`files`). A step picks one with `executor = \"NAME\"`, `--executor NAME` picks one for all.",
	Args: []Arg{
		{Name: "partition", Type: "string", Doc: "sbatch --partition."},
		{Name: "account", Type: "string", Doc: "sbatch --account."},
		{Name: "qos", Type: "string", Doc: "sbatch --qos."},
		{Name: "gres", Type: "string", Doc: "sbatch --gres of every job. Without it a step's `gpu = N` becomes gpu:N."},
		{Name: "time", Type: "string", Doc: "Limit of a step without a timeout: \"90m\", \"4h\", or as Slurm writes it, \"1-12:00:00\". Default: the partition's."},
		{Name: "setup", Type: "list of strings", Doc: "Lines of shell before the step: \"module load cuda\"."},
		{Name: "args", Type: "list of strings", Doc: "Further sbatch arguments: \"--exclusive\"."},
		{Name: "max_jobs", Type: "number", Doc: "Jobs out at a time. Default 100."},
		{Name: "poll", Type: "string", Doc: "Time between two looks at the queue, one squeue for all jobs. Default \"2s\"."},
		{Name: "requeues", Type: "number", Doc: "How often a job is sent again that was preempted or lost its node; it goes on from its checkpoint. Default 3."},
		{Name: "more_memory", Type: "number", Doc: "Factor of memory with which a job is sent again that ran out of it. Default: it has failed."},
		{Name: "more_time", Type: "number", Doc: "Factor of time with which a job is sent again that ran out of it. Default: it has failed."},
		{Name: "on_interrupt", Type: "string", Enum: []string{"ask", "cancel", "leave"}, Doc: "What Ctrl-C does with jobs that are out: \"cancel\", \"leave\" (the next run finds them again), or \"ask\", which cancels where nobody can answer. Default ask."},
		{Name: "files", Type: "string", Enum: []string{"shared", "cache"}, Doc: "How the nodes come by files: \"shared\", the state folder is on a file system of theirs too, or \"cache\", inputs, outputs and orders go through the project's shared cache, which the nodes must reach with credentials of their own. Default shared."},
		{Name: "rein", Type: "string", Doc: "Path of this program on the nodes. Default: the path it has here."},
	},
	Sample: "executor \"slurm\" \"gpu\" {\n  partition   = \"gpu\"\n  gres        = \"gpu:1\"\n  time        = \"4h\"\n  setup       = [\"module load cuda\"]\n  max_jobs    = 50\n  more_memory = 2\n}\n"}

var cache = Block{Name: "cache", Single: true,
	Doc: "Results shared with other machines: fetched before a step would run, sent after it ran. Credentials come from the usual chains of the bucket's maker.",
	Args: []Arg{
		{Name: "remote", Type: "string", Required: true, Doc: "s3://BUCKET/PREFIX?region=..., gs://BUCKET/PREFIX, azblob://CONTAINER/PREFIX, or file:///FOLDER."},
		{Name: "mode", Type: "string", Enum: []string{"read-write", "read-only"}, Doc: "\"read-write\", or \"read-only\" to fetch and never send: for checks of pull requests. Default read-write."},
		{Name: "trust", Type: "list of strings", Doc: "Public keys (`rein cache key`): only results that one of them signed are fetched. Who has the private key in REIN_SIGNING_KEY signs what it sends; who doesn't sends nothing. Default: all results are trusted."},
		{Name: "timeout", Type: "string", Doc: "How long an answer may take before the run goes on without the shared cache. Default \"5s\"."},
	},
	Sample: "cache {\n  remote = \"s3://team-bucket/rein?region=eu-central-1\"\n}\n"}
